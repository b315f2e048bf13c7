using System.Runtime.InteropServices;

namespace Lateen.Net.Interop;

/// <summary>Calls of OpenSSL 3's libcrypto; see <see cref="LibSsl"/>.</summary>
internal static unsafe partial class LibCrypto
{
    private const string Library = "libcrypto.so.3";

    [LibraryImport(Library, EntryPoint = "OpenSSL_version_num")]
    internal static partial nuint VersionNumber();

    [LibraryImport(Library, EntryPoint = "SHA256")]
    internal static partial byte* Sha256(byte* content, nuint bytes, byte* hash);

    [LibraryImport(Library, EntryPoint = "RAND_bytes")]
    internal static partial int RandomBytes(byte* buffer, int bytes);

    [LibraryImport(Library, EntryPoint = "CRYPTO_free")]
    internal static partial void FreeMemory(void* memory, byte* file, int line);

    [LibraryImport(Library, EntryPoint = "ERR_get_error")]
    internal static partial nuint TakeError();

    [LibraryImport(Library, EntryPoint = "ERR_clear_error")]
    internal static partial void ClearErrors();

    [LibraryImport(Library, EntryPoint = "ERR_reason_error_string")]
    internal static partial byte* ErrorReason(nuint error);

    [LibraryImport(Library, EntryPoint = "BIO_get_new_index")]
    internal static partial int NewBioIndex();

    [LibraryImport(Library, EntryPoint = "BIO_meth_new")]
    internal static partial nint NewBioMethod(int type, byte* name);

    [LibraryImport(Library, EntryPoint = "BIO_meth_set_write")]
    internal static partial int SetBioWrite(nint method, delegate* unmanaged<nint, byte*, int, int> write);

    [LibraryImport(Library, EntryPoint = "BIO_meth_set_read")]
    internal static partial int SetBioRead(nint method, delegate* unmanaged<nint, byte*, int, int> read);

    [LibraryImport(Library, EntryPoint = "BIO_meth_set_ctrl")]
    internal static partial int SetBioControl(nint method, delegate* unmanaged<nint, int, nint, nint, nint> control);

    [LibraryImport(Library, EntryPoint = "BIO_new")]
    internal static partial nint NewBio(nint method);

    [LibraryImport(Library, EntryPoint = "BIO_free")]
    internal static partial int FreeBio(nint bio);

    [LibraryImport(Library, EntryPoint = "BIO_set_init")]
    internal static partial void SetBioInitialized(nint bio, int isInitialized);

    [LibraryImport(Library, EntryPoint = "BIO_set_data")]
    internal static partial void SetBioState(nint bio, nint state);

    [LibraryImport(Library, EntryPoint = "BIO_get_data")]
    [SuppressGCTransition]
    internal static partial nint BioState(nint bio);

    [LibraryImport(Library, EntryPoint = "BIO_set_flags")]
    [SuppressGCTransition]
    internal static partial void SetBioFlags(nint bio, int flags);

    [LibraryImport(Library, EntryPoint = "BIO_clear_flags")]
    [SuppressGCTransition]
    internal static partial void ClearBioFlags(nint bio, int flags);

    [LibraryImport(Library, EntryPoint = "BIO_s_mem")]
    internal static partial nint MemoryBioMethod();

    [LibraryImport(Library, EntryPoint = "BIO_new_mem_buf")]
    internal static partial nint NewMemoryBio(byte* bytes, int count);

    [LibraryImport(Library, EntryPoint = "BIO_ctrl")]
    internal static partial nint ControlBio(nint bio, int command, nint number, void* pointer);

    [LibraryImport(Library, EntryPoint = "PEM_read_bio_X509_AUX")]
    internal static partial nint ReadTrustedCertificate(nint bio, nint target, delegate* unmanaged<byte*, int, int, nint, int> password, nint state);

    [LibraryImport(Library, EntryPoint = "PEM_read_bio_X509")]
    internal static partial nint ReadCertificate(nint bio, nint target, delegate* unmanaged<byte*, int, int, nint, int> password, nint state);

    [LibraryImport(Library, EntryPoint = "PEM_read_bio_X509_CRL")]
    internal static partial nint ReadRevocationList(nint bio, nint target, delegate* unmanaged<byte*, int, int, nint, int> password, nint state);

    [LibraryImport(Library, EntryPoint = "PEM_read_bio_PrivateKey")]
    internal static partial nint ReadPrivateKey(nint bio, nint target, delegate* unmanaged<byte*, int, int, nint, int> password, nint state);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_free")]
    internal static partial void FreeKey(nint key);

    [LibraryImport(Library, EntryPoint = "d2i_PUBKEY")]
    internal static partial nint DecodePublicKey(nint target, byte** encoded, nint bytes);

    [LibraryImport(Library, EntryPoint = "i2d_PUBKEY")]
    internal static partial int EncodePublicKeyOf(nint key, byte** target);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_new_from_name")]
    internal static partial nint NewKeyContext(nint library, byte* name, byte* properties);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_free")]
    internal static partial void FreeKeyContext(nint context);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_keygen_init")]
    internal static partial int BeginKeyGeneration(nint context);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_set_group_name")]
    internal static partial int SetGroup(nint context, byte* name);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_set_rsa_keygen_bits")]
    internal static partial int SetRsaBits(nint context, int bits);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_generate")]
    internal static partial int GenerateKey(nint context, nint* key);

    [LibraryImport(Library, EntryPoint = "PEM_write_bio_PrivateKey")]
    internal static partial int WritePrivateKey(
        nint bio, nint key, nint cipher, byte* password, int passwordBytes, delegate* unmanaged<byte*, int, int, nint, int> ask, nint state);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_get_bits")]
    internal static partial int KeyBits(nint key);

    [LibraryImport(Library, EntryPoint = "EVP_MD_CTX_new")]
    internal static partial nint NewDigestContext();

    [LibraryImport(Library, EntryPoint = "EVP_MD_CTX_free")]
    internal static partial void FreeDigestContext(nint context);

    [LibraryImport(Library, EntryPoint = "EVP_DigestVerifyInit_ex")]
    internal static partial int BeginVerification(nint context, nint* keyContext, byte* digest, nint library, byte* properties, nint key, Parameter* parameters);

    [LibraryImport(Library, EntryPoint = "EVP_DigestVerify")]
    internal static partial int VerifySignature(nint context, byte* signature, nuint signatureBytes, byte* content, nuint contentBytes);

    [LibraryImport(Library, EntryPoint = "EVP_DigestSignInit_ex")]
    internal static partial int BeginSigning(nint context, nint* keyContext, byte* digest, nint library, byte* properties, nint key, Parameter* parameters);

    [LibraryImport(Library, EntryPoint = "EVP_DigestSign")]
    internal static partial int Sign(nint context, byte* signature, nuint* signatureBytes, byte* content, nuint contentBytes);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_set_rsa_padding")]
    internal static partial int SetRsaPadding(nint keyContext, int padding);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_set_rsa_pss_saltlen")]
    internal static partial int SetSaltLength(nint keyContext, int length);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_get_base_id")]
    internal static partial int KeyKind(nint key);

    [LibraryImport(Library, EntryPoint = "X509_free")]
    internal static partial void FreeCertificate(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_up_ref")]
    internal static partial int RetainCertificate(nint certificate);

    [LibraryImport(Library, EntryPoint = "d2i_X509")]
    internal static partial nint DecodeCertificate(nint target, byte** encoded, nint bytes);

    [LibraryImport(Library, EntryPoint = "X509_get_extension_flags")]
    internal static partial uint ExtensionFlags(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_get_key_usage")]
    internal static partial uint KeyUsage(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_check_purpose")]
    internal static partial int CheckPurpose(nint certificate, int purpose, int asAuthority);

    [LibraryImport(Library, EntryPoint = "X509_check_private_key")]
    internal static partial int CheckPrivateKey(nint certificate, nint key);

    [LibraryImport(Library, EntryPoint = "X509_get0_pubkey")]
    internal static partial nint CertificateKey(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_get_X509_PUBKEY")]
    internal static partial nint SubjectPublicKey(nint certificate);

    [LibraryImport(Library, EntryPoint = "i2d_X509_PUBKEY")]
    internal static partial int EncodePublicKey(nint key, byte** target);

    [LibraryImport(Library, EntryPoint = "i2d_X509")]
    internal static partial int EncodeCertificate(nint certificate, byte** target);

    [LibraryImport(Library, EntryPoint = "X509_get_subject_name")]
    internal static partial nint SubjectName(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_get_issuer_name")]
    internal static partial nint IssuerName(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_NAME_print_ex")]
    internal static partial int PrintName(nint bio, nint name, int indent, nuint flags);

    [LibraryImport(Library, EntryPoint = "X509_get0_serialNumber")]
    internal static partial nint SerialNumber(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_get0_notBefore")]
    internal static partial nint NotBefore(nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_get0_notAfter")]
    internal static partial nint NotAfter(nint certificate);

    [LibraryImport(Library, EntryPoint = "ASN1_TIME_to_tm")]
    internal static partial int ToCalendar(nint time, CalendarTime* result);

    [LibraryImport(Library, EntryPoint = "ASN1_STRING_get0_data")]
    internal static partial byte* StringBytes(nint text);

    [LibraryImport(Library, EntryPoint = "ASN1_STRING_length")]
    internal static partial int StringLength(nint text);

    [LibraryImport(Library, EntryPoint = "X509_get_ext_d2i")]
    internal static partial nint Extension(nint certificate, int kind, int* isCritical, int* index);

    [LibraryImport(Library, EntryPoint = "GENERAL_NAME_get0_value")]
    internal static partial nint GeneralNameValue(nint name, int* kind);

    [LibraryImport(Library, EntryPoint = "GENERAL_NAMES_free")]
    internal static partial void FreeGeneralNames(nint names);

    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_new_null")]
    internal static partial nint NewStack();

    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_push")]
    internal static partial int Push(nint stack, nint item);

    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_num")]
    internal static partial int StackCount(nint stack);

    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_value")]
    internal static partial nint StackItem(nint stack, int index);

    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_free")]
    internal static partial void FreeStack(nint stack);

    [LibraryImport(Library, EntryPoint = "X509_STORE_new")]
    internal static partial nint NewTrustStore();

    [LibraryImport(Library, EntryPoint = "X509_STORE_free")]
    internal static partial void FreeTrustStore(nint store);

    [LibraryImport(Library, EntryPoint = "X509_STORE_add_cert")]
    internal static partial int AddTrusted(nint store, nint certificate);

    [LibraryImport(Library, EntryPoint = "X509_STORE_add_crl")]
    internal static partial int AddRevocationList(nint store, nint list);

    [LibraryImport(Library, EntryPoint = "X509_CRL_free")]
    internal static partial void FreeRevocationList(nint list);

    [LibraryImport(Library, EntryPoint = "X509_STORE_load_file")]
    internal static partial int LoadTrusted(nint store, byte* path);

    [LibraryImport(Library, EntryPoint = "X509_STORE_set_default_paths")]
    internal static partial int SetDefaultPaths(nint store);

    [LibraryImport(Library, EntryPoint = "X509_VERIFY_PARAM_set_flags")]
    internal static partial int SetVerifyFlags(nint parameters, nuint flags);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_new")]
    internal static partial nint NewVerification();

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_init")]
    internal static partial int InitializeVerification(nint verification, nint store, nint leaf, nint others);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_free")]
    internal static partial void FreeVerification(nint verification);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_get0_param")]
    internal static partial nint VerificationParameters(nint verification);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_get_ex_data")]
    internal static partial nint VerificationState(nint verification, int index);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_get0_cert")]
    internal static partial nint VerificationLeaf(nint verification);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_set_time")]
    internal static partial void SetVerificationTime(nint verification, nuint flags, nint time);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_set_verify_cb")]
    internal static partial void SetVerificationJudge(nint verification, delegate* unmanaged<int, nint, int> callback);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_get_error")]
    internal static partial int VerificationError(nint verification);

    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_set_error")]
    internal static partial void SetVerificationError(nint verification, int error);

    [LibraryImport(Library, EntryPoint = "X509_verify_cert")]
    internal static partial int Verify(nint verification);

    [LibraryImport(Library, EntryPoint = "X509_verify_cert_error_string")]
    internal static partial byte* VerificationErrorText(nint error);

    [LibraryImport(Library, EntryPoint = "EVP_CIPHER_fetch")]
    internal static partial nint FetchCipher(nint library, byte* name, byte* properties);

    [LibraryImport(Library, EntryPoint = "EVP_EncryptInit_ex")]
    internal static partial int InitializeEncryption(nint context, nint cipher, nint engine, byte* key, byte* initial);

    [LibraryImport(Library, EntryPoint = "EVP_DecryptInit_ex")]
    internal static partial int InitializeDecryption(nint context, nint cipher, nint engine, byte* key, byte* initial);

    [LibraryImport(Library, EntryPoint = "EVP_MAC_CTX_set_params")]
    internal static partial int SetMacParameters(nint context, Parameter* parameters);

    internal const int BioTypeSourceSink = 0x400;
    internal const int BioControlContent = 3;
    internal const int BioControlPush = 6;
    internal const int BioControlPop = 7;
    internal const int BioControlFlush = 11;
    internal const int BioFlagRead = 1;
    internal const int BioFlagWrite = 2;
    internal const int BioFlagShouldRetry = 8;
    internal const int BioFlagsOfRetry = 15;

    internal const int LibraryPem = 9;
    internal const int LibrarySsl = 20;
    internal const int ReasonMask = 0x7FFFFF;
    internal const int LibraryOffset = 23;
    internal const int PemNoStartLine = 108;

    internal const int RsaPaddingPkcs1 = 1;
    internal const int RsaPaddingPss = 6;

    /// <summary>RSA_PSS_SALTLEN_DIGEST: the salt is as long as the digest, as RFC 7518 section 3.5 demands.</summary>
    internal const int SaltAsDigest = -1;

    internal const int SubjectAltName = 85;
    internal const int NameEmail = 1;
    internal const int NameDns = 2;
    internal const int NameUri = 6;
    internal const int NameAddress = 7;

    /// <summary>XN_FLAG_RFC2253 with characters beyond ASCII left as UTF-8.</summary>
    internal const int NamePrintFlags = (0x1 | 0x2 | 0x10 | 0x100 | 0x200) | (1 << 16) | (1 << 20) | (1 << 24);

    /// <summary>EXFLAG_CA, EXFLAG_SI, EXFLAG_INVALID of x509v3.h.</summary>
    internal const uint CertificateOfAuthority = 0x10;
    internal const uint CertificateSelfIssued = 0x20;
    internal const uint CertificateInvalid = 0x80;

    /// <summary>keyCertSign. X509_get_key_usage gives all bits where a certificate has no keyUsage.</summary>
    internal const uint KeyUsageCertificates = 0x4;

    internal const int PurposeClient = 1;
    internal const int PurposeServer = 2;

    internal const int FlagRevocation = 0x4;
    internal const int FlagRevocationAll = 0x8;
    internal const int FlagPartialChain = 0x80000;

    internal const uint ParameterEnd = 0;
    internal const uint ParameterText = 4;
    internal const uint ParameterOctets = 5;

    /// <summary>struct tm of 64-bit Linux; what follows the days is for its size.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct CalendarTime
    {
        internal int Second;
        internal int Minute;
        internal int Hour;
        internal int Day;
        internal int Month;
        internal int Year;
        internal int WeekDay;
        internal int YearDay;
        internal int IsDaylight;
        internal long OffsetSeconds;
        internal byte* Zone;
    }

    /// <summary>OSSL_PARAM.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Parameter
    {
        internal byte* Key;
        internal uint Kind;
        internal void* Start;
        internal nuint Bytes;
        internal nuint ReturnBytes;
    }
}
