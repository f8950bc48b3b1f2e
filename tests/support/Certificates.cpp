#include "support/Certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace p2::test {

namespace {

constexpr long kDay = 24 * 60 * 60;

Key makeKey() {
  Key key(EVP_EC_gen("P-256"));
  if (!key) throw std::runtime_error("no key could be made");
  return key;
}

void addExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (extension == nullptr) throw std::runtime_error("bad extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Issued by itself if there is no issuer.
Identity make(const std::string& name, const CertificateOptions& options, const Identity* issuer,
              bool authority) {
  static long serial = 1;
  Identity made{Certificate(X509_new()), makeKey()};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.expired ? -kDay : kDay);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  addExtension(certificate, signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  addExtension(certificate, signer, NID_subject_key_identifier, "hash");
  if (!authority) addExtension(certificate, signer, NID_subject_alt_name, options.names);
  X509_sign(certificate, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256());
  return made;
}

template <class Write>
std::string toPem(Write write) {
  BIO* memory = BIO_new(BIO_s_mem());
  write(memory);
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory, &data);
  std::string pem(data, static_cast<std::size_t>(length));
  BIO_free(memory);
  return pem;
}

}  // namespace

Authority::Authority()
    : _own(make("Authority of a test", {}, nullptr, true)),
      _file(toPem([this](BIO* out) { PEM_write_bio_X509(out, _own.certificate.get()); })) {}

Identity Authority::issue(const CertificateOptions& options) const {
  return make("server", options, &_own, false);
}

const Authority& authority() {
  static const Authority instance;
  return instance;
}

Identity selfSigned(const CertificateOptions& options) {
  return make("server", options, nullptr, false);
}

KeyPair makeRsaKeyPair() {
  const Key key(EVP_RSA_gen(2048));
  return {toPem([&](BIO* out) {
            PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          }),
          toPem([&](BIO* out) { PEM_write_bio_PUBKEY(out, key.get()); })};
}

}  // namespace p2::test
