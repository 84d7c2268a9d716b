"""Messages as banks write them, in parts."""

from uuid import UUID

BODY = '<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}">{body}</Document>'


def message(kind: str, body: str) -> bytes:
    return BODY.format(kind=kind, body=body).encode()


def status(body: str, group: str = "") -> bytes:
    head = "<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-03-02T10:00:00Z</CreDtTm></GrpHdr>"
    original = f"<OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}"
    report = f"{head}<OrgnlGrpInfAndSts>{original}</OrgnlGrpInfAndSts>{body}"
    return message("pain.002.001.10", f"<CstmrPmtStsRpt>{report}</CstmrPmtStsRpt>")


def reason(code: str, words: str = "") -> str:
    said = f"<AddtlInf>{words}</AddtlInf>" if words else ""
    return f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn>{said}</StsRsnInf>"


def entry(
    amount: str, details: str = "", *, side: str = "DBIT", currency: str = "EUR", more: str = "", booked: str = "BOOK"
) -> str:
    dates = "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>"
    code = "<BkTxCd><Prtry><Cd>X</Cd></Prtry></BkTxCd>"
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<Sts><Cd>{booked}</Cd></Sts>'
        f"{dates}<AcctSvcrRef>B1</AcctSvcrRef>{code}<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(key: UUID | None, amount: str = "", *, currency: str = "EUR", more: str = "", refs: str = "") -> str:
    reference = "" if key is None else f"<EndToEndId>{key.hex}</EndToEndId>"
    said = f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd>' if amount else ""
    return f"<TxDtls><Refs>{refs}{reference}</Refs>{said}{more}</TxDtls>"


def notification(*entries: str) -> bytes:
    account = "<Acct><Id><IBAN>NL41MOCK0000000001</IBAN></Id></Acct>"
    inner = f"<Ntfctn><Id>N1</Id>{account}{''.join(entries)}</Ntfctn>"
    head = "<GrpHdr><MsgId>N1</MsgId><CreDtTm>2026-03-02T10:00:00Z</CreDtTm></GrpHdr>"
    return message("camt.054.001.08", f"<BkToCstmrDbtCdtNtfctn>{head}{inner}</BkToCstmrDbtCdtNtfctn>")


def balance(code: str, amount: str, side: str = "CRDT", currency: str = "EUR", on: str = "2026-03-02") -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    dated = f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{on}</Dt></Dt>"
    return f'<Bal>{kind}<Amt Ccy="{currency}">{amount}</Amt>{dated}</Bal>'


def statement(*parts: str, name: str = "T1", account: str = "<Othr><Id>0001</Id></Othr>") -> bytes:
    account = f"<ElctrncSeqNb>7</ElctrncSeqNb><Acct><Id>{account}</Id></Acct>"
    head = "<GrpHdr><MsgId>C1</MsgId><CreDtTm>2026-03-02T10:00:00Z</CreDtTm></GrpHdr>"
    inner = f"<Stmt><Id>{name}</Id>{account}{''.join(parts)}</Stmt>"
    return message("camt.053.001.08", f"<BkToCstmrStmt>{head}{inner}</BkToCstmrStmt>")
