internal import Foundation
internal import Glibc
internal import NIOSSL

/// The TLS of a service: certificate and key, TLS 1.2 or later, HTTP/1.1.
enum TransportSecurity {
  /// Reads both files, and looks whether they can be used together.
  ///
  /// - Throws: `ServiceError.certificate`.
  static func configuration(
    certificate: String, key: String
  ) throws(ServiceError) -> TLSConfiguration {
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMBytes(try bytes(of: certificate))
    } catch let error as ServiceError {
      throw error
    } catch {
      throw .certificate(path: certificate, reason: "holds no certificate in PEM")
    }
    guard !chain.isEmpty else {
      throw .certificate(path: certificate, reason: "holds no certificate in PEM")
    }
    let privateKey: NIOSSLPrivateKey
    do {
      privateKey = try NIOSSLPrivateKey(bytes: try bytes(of: key), format: .pem)
    } catch let error as ServiceError {
      throw error
    } catch {
      throw .certificate(
        path: key, reason: "holds no private key in PEM, or one that asks for a passphrase")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["http/1.1"]
    do {
      _ = try NIOSSLContext(configuration: configuration)
    } catch {
      throw .certificate(
        path: key, reason: "is not the key of \(certificate), or one of them is not of this kind")
    }
    return configuration
  }

  private static func bytes(of path: String) throws(ServiceError) -> [UInt8] {
    guard access(path, R_OK) == 0 else {
      let reason = String(cString: strerror(errno)).lowercased()
      throw .certificate(path: path, reason: "cannot be read: \(reason)")
    }
    do {
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw .certificate(path: path, reason: "cannot be read: is no regular file")
    }
  }
}
