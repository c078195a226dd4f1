"""The same file and the same failures for keepalived and vrrpd, and what each makes of IPVS."""
