"""Certificates for the tests: a CA made at start and leaves signed by it."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _now():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def pem_of_key(key):
    """The private key as unencrypted PKCS#8, as Google's service-account files hold it."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Authority:
    """A certificate authority that lives as long as the test."""

    def __init__(self, common_name="p2 test CA"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(common_name)
        now = _now()
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._subject).issuer_name(self._subject)
            .public_key(self._key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=10))
            .not_valid_after(now + datetime.timedelta(days=10))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256()))

    def pem(self):
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, path, names=LOOPBACK, valid_days=(-1, 5)):
        """Writes a key and a certificate for `names` to the file `path` and gives `path`."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = _now()
        alternatives = []
        for name in names:
            try:
                alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                alternatives.append(x509.DNSName(name))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(names[0])).issuer_name(self._subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=valid_days[0]))
            .not_valid_after(now + datetime.timedelta(days=valid_days[1]))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256()))
        with open(path, "wb") as file:
            file.write(pem_of_key(key))
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        return path
