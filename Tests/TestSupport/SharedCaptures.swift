internal import Foundation

/// Captures that others made. They are not part of the project, so tests that use them are skipped
/// where they are absent: `.enabled(if: SharedCaptures.arePresent)`.
///
/// Looked for in `$RENKEI_SHARED`, or in `../shared` beside the repository.
public enum SharedCaptures {
  /// The folder with `captures` in it; nil where there is none.
  public static let root: String? = {
    let repository = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let candidates: [String?] = [
      ProcessInfo.processInfo.environment["RENKEI_SHARED"],
      repository.deletingLastPathComponent().appendingPathComponent("shared").path,
    ]
    return candidates.compactMap { $0 }.first {
      FileManager.default.fileExists(atPath: $0 + "/captures")
    }
  }()

  public static var arePresent: Bool { root != nil }

  /// The files of the folders `real`, `large`, `encap` or `bad`, by name.
  public static func files(_ folders: String...) -> [String] {
    guard let root else { return [] }
    return folders.flatMap { folder in
      let path = root + "/captures/" + folder
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      return names.sorted().map { path + "/" + $0 }
    }
  }
}
