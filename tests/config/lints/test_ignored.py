from __future__ import annotations

import pytest

from tests.config.lints.linting import codes, router
from tests.config.reading import Reader
from vrrpd.config.lints import lint

SERVER = (
    "virtual_server 192.0.2.80 80 {{\n lb_algo rr\n lb_kind DR\n protocol UDP\n {}\n"
    " real_server 192.0.2.101 80 {{\n  UDP_CHECK {{\n   {}\n  }}\n }}\n}}\n"
)
SYNCHRONISED = "global_defs {{\n lvs_sync_daemon eth0 {}\n}}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(router("debug 1"), ["4 setting-ignored"], id="nothing reads it"),
        pytest.param(router("priority 50"), [], id="a setting that counts"),
        pytest.param(router("vmac_xmit_base"), ["4 setting-ignored"], id="of an interface that is not there"),
        pytest.param(router("use_vmac", "vmac_xmit_base"), [], id="of an interface that is there"),
        pytest.param(router("track_src_ip"), ["4 setting-ignored"], id="no source address to track"),
        pytest.param(router("track_src_ip", "mcast_src_ip 192.0.2.1"), [], id="either source address will do"),
        pytest.param(router("skip_check_adv_addr off"), ["4 flag-with-word"], id="on all the same"),
        pytest.param(router("skip_check_adv_addr on"), [], id="on"),
        pytest.param("global_defs {\n smtp_server mail\n}\n", ["2 setting-ignored"], id="mail for nobody"),
        pytest.param("global_defs {\n smtp_server mail\n notification_email {\n  a@b\n }\n}\n", [], id="mail for somebody"),
        pytest.param(router() + SYNCHRONISED.format("VI_2"), ["10 setting-ignored"], id="nobody to follow"),
        pytest.param(router() + SYNCHRONISED.format("VI_1"), [], id="a virtual router to follow"),
        pytest.param(SYNCHRONISED.format(""), [], id="synchronised at all times"),
        pytest.param(SERVER.format("sorry_server_inhibit", "retry 1"), ["5 setting-ignored"], id="no sorry server"),
        pytest.param(SERVER.format("", "min_reply_length 5"), ["8 setting-ignored"], id="no reply is asked for"),
        pytest.param(SERVER.format("", "require_reply\n   min_reply_length 5"), [], id="a reply is asked for"),
    ],
)
def test_settings_that_do_nothing(reader: Reader, text: str, said: list[str]) -> None:
    assert codes(reader, text) == said


def test_what_an_error_or_a_warning_is_about_is_not_spoken_of_again(reader: Reader) -> None:
    text = "global_defs {\n notification_email {\n }\n smtp_server mail\n}\n"
    assert [one.position.line for one in lint(reader.load(text))] == []
    group = "vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n global_tracking\n}\n"
    both = router() + router(name="VI_2").replace("_id 50", "_id 51").replace("192.0.2.80", "192.0.2.81")
    assert codes(reader, both + group) == []


def test_a_setting_whose_other_one_is_misspelled_is_not_spoken_of(reader: Reader) -> None:
    assert lint(reader.load(router("use_vmak", "vmac_xmit_base"))) == ()
