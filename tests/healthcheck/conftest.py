"""An authority that nobody else trusts, and a certificate of it."""

from __future__ import annotations

import pytest

from tests.healthcheck.servers import NAME, Authority, Issued


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue(NAME)
