"""The answers of Google's FCM and token endpoints, word for word where they have been seen in the field.

An answer is (status, headers, body bytes). `FAULTS` names those that the stand-in can be told to give.
"""

import json

HTML_404 = (b"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error 404 (Not Found)!!1</title>"
            b"<p><b>404.</b> <ins>That\xe2\x80\x99s an error.</ins>")
HTML_502 = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
JSON = {"Content-Type": "application/json; charset=UTF-8"}
HTML = {"Content-Type": "text/html; charset=UTF-8"}


def of_json(status, value, **headers):
    return status, {**JSON, **{k.replace("_", "-"): v for k, v in headers.items()}}, json.dumps(value).encode()


def google_error(status, reason, message, details=(), **headers):
    error = {"code": status, "message": message, "status": reason}
    if details:
        error["details"] = list(details)
    return of_json(status, {"error": error}, **headers)


def fcm_error(status, reason, message, code, **headers):
    return google_error(status, reason, message, [{"@type": FCM_ERROR, "errorCode": code}], **headers)


def field_violation(field, text):
    """400 for a message of a wrong shape: Google names the field and gives no FcmError."""
    return google_error(400, "INVALID_ARGUMENT", f'Invalid value at "{field}": {text}',
                        [{"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": text}]}])


def legacy_result(entry, success=0):
    return of_json(200, {"multicast_id": 1, "success": success, "failure": 1 - success, "canonical_ids": 0,
                         "results": [entry]})


def invalid_grant(description):
    return of_json(400, {"error": "invalid_grant", "error_description": description})


def unauthenticated(details=()):
    return google_error(401, "UNAUTHENTICATED",
                        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
                        "or other valid authentication credential.", details, WWW_Authenticate="Bearer")


_BAD_TOKEN = "The registration token is not a valid FCM registration token"

#: Faults that are a plain answer. Those of the transport (close, hang, …) are in fcm_standin.TRANSPORT_FAULTS.
FAULTS = {
    # HTTP v1
    "unregistered": fcm_error(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"),
    "invalid_token": fcm_error(400, "INVALID_ARGUMENT", _BAD_TOKEN, "INVALID_ARGUMENT"),
    "invalid_token_field": google_error(
        400, "INVALID_ARGUMENT", "Request contains an invalid argument.",
        [{"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"},
         {"@type": BAD_REQUEST,
          "fieldViolations": [{"field": "message.token", "description": "Invalid registration token"}]}]),
    "invalid_argument": fcm_error(400, "INVALID_ARGUMENT", "Android message is too big", "INVALID_ARGUMENT"),
    "sender_mismatch": fcm_error(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"),
    "permission_denied": google_error(
        403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied on resource "
        "'//cloudresourcemanager.googleapis.com/projects/p' (or it may not exist).",
        [{"@type": ERROR_INFO, "reason": "IAM_PERMISSION_DENIED", "domain": "cloudresourcemanager.googleapis.com"}]),
    "unauthenticated": unauthenticated(),
    "token_expired": unauthenticated([{"@type": ERROR_INFO, "reason": "ACCESS_TOKEN_EXPIRED",
                                       "domain": "googleapis.com"}]),
    "third_party_auth": fcm_error(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service",
                                  "THIRD_PARTY_AUTH_ERROR"),
    "quota": fcm_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED"),
    "rate_limit": google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric",
                               [{"@type": ERROR_INFO, "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com"}]),
    "500": fcm_error(500, "INTERNAL", "Internal error encountered.", "INTERNAL"),
    "503": fcm_error(503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE"),
    "html404": (404, HTML, HTML_404),
    "html502": (502, HTML, HTML_502),
    "not_json": (200, JSON, b"{\"name\": \"projects/p/mess"),
    "empty200": (200, JSON, b""),
    # the legacy API
    "not_registered": legacy_result({"error": "NotRegistered"}),
    "invalid_registration": legacy_result({"error": "InvalidRegistration"}),
    "mismatch_sender": legacy_result({"error": "MismatchSenderId"}),
    "unavailable": legacy_result({"error": "Unavailable"}),
    "rate_exceeded": legacy_result({"error": "DeviceMessageRateExceeded"}),
    # the token endpoint
    "invalid_signature": invalid_grant("Invalid JWT Signature."),
    "bad_timeframe": invalid_grant("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                                   "timeframe. Check your iat and exp values in the JWT claim."),
    "account_not_found": invalid_grant("Invalid grant: account not found"),
    "no_access_token": of_json(200, {"token_type": "Bearer"}),
}
