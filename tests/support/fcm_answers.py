"""The answers of Google's FCM and token endpoints, word for word where they have been seen in the field.

An answer is (status, headers, body bytes). Those of FCM are the table tests/data/fcm-answers.json, which all tests read.
"""

import email.utils
import json
import os
import re
import time

_TABLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "fcm-answers.json")
#: What p2 says to the server, in the table's words.
STANZAS = ("result", "item-not-found", "wait")

BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
JSON = {"Content-Type": "application/json; charset=UTF-8"}
HTML = {"Content-Type": "text/html; charset=UTF-8"}


def of_json(status, value):
    return status, JSON, json.dumps(value).encode()


def google_error(status, reason, message, details=()):
    error = {"code": status, "message": message, "status": reason}
    if details:
        error["details"] = list(details)
    return of_json(status, {"error": error})


def field_violation(field, text):
    """400 for a message of a wrong shape: Google names the field and gives no FcmError."""
    return google_error(400, "INVALID_ARGUMENT", f'Invalid value at "{field}": {text}',
                        [{"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": text}]}])


def legacy_result(entry, success=0):
    return of_json(200, {"multicast_id": 1, "success": success, "failure": 1 - success, "canonical_ids": 0,
                         "results": [entry]})


def invalid_grant(description):
    return of_json(400, {"error": "invalid_grant", "error_description": description})


def _read_table():
    """The table's rows by their names."""
    with open(_TABLE, encoding="utf-8") as file:
        rows = json.load(file)
    table = {row["name"]: row for row in rows}
    if len(table) < len(rows) or not table:
        raise ValueError(f"{_TABLE}: a name comes twice, or there is none")
    for name, row in table.items():
        if row["xmpp"] not in STANZAS:
            raise ValueError(f"{_TABLE}: {name}: there is no word {row['xmpp']}")
    return table


#: name → the row
TABLE = _read_table()

#: Faults of the token endpoint that are a plain answer.
TOKEN_FAULTS = {
    "invalid_signature": invalid_grant("Invalid JWT Signature."),
    "bad_timeframe": invalid_grant("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                                   "timeframe. Check your iat and exp values in the JWT claim."),
    "account_not_found": invalid_grant("Invalid grant: account not found"),
    "no_access_token": of_json(200, {"token_type": "Bearer"}),
}

#: All faults that are a plain answer. Those of the transport (close, hang, …) are in fcm_standin.TRANSPORT_FAULTS.
FAULTS = (*TABLE, *TOKEN_FAULTS)


def _with_dates(value):
    return re.sub(r"\{now([+-]\d+)\}", lambda found: email.utils.formatdate(time.time() + int(found[1]), usegmt=True),
                  value)


def answer_of(fault):
    """The answer that is called so, as it is now: {now+40} in a header of the table is the date of in 40 seconds."""
    if fault in TOKEN_FAULTS:
        return TOKEN_FAULTS[fault]
    row = TABLE[fault]
    body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
    headers = {**(HTML if body.startswith("<") else JSON), **row.get("headers", {})}
    return row["status"], {name: _with_dates(value) for name, value in headers.items()}, \
        (body * row.get("times", 1)).encode()
