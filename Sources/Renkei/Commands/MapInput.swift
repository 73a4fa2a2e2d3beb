internal import ArgumentParser
internal import ServiceMap

/// What a command that needs one map reads: a store, or captures that are audited first and not kept.
struct MapInput: ParsableArguments {
  @Option(
    help: ArgumentHelp("A map store, kept with `renkei audit -o map.db`.", valueName: "map.db"))
  var store: String?

  @OptionGroup var time: TimeOptions

  @OptionGroup var capture: CaptureOptions

  func validate() throws {
    switch (store, capture.files.isEmpty) {
    case (nil, true):
      throw ValidationError("nothing to read: name a map with --store or a capture with -r")
    case (.some, false): throw ValidationError("--store or -r, not both")
    case (.some, true):
      guard capture.filter.isEmpty else {
        throw ValidationError("a filter is for captures; the map in --store is read as it is")
      }
    case (nil, false):
      guard !time.isGiven else { throw ValidationError("--at, --from and --to are for --store") }
    }
  }

  /// What the store holds, or a store that is made of the captures and removed again.
  ///
  /// - Parameter isQuiet: no progress, and no note on the time that is covered.
  func content(isQuiet: Bool) throws -> MapStore.Content {
    if let store {
      let range = try time.range()
      let content = try MapStore.read(path: store, range: range)
      if let note = TimeOptions.note(content.coverage, asked: range), !isQuiet {
        Terminal.standardError("renkei: \(note)\n")
      }
      return content
    }
    let folder = try WorkFolder(for: nil)
    defer { folder.remove() }
    try capture.audit(storePath: folder.store, showsProgress: !isQuiet, reportOptions: nil)
      .runOrExit()
    return try MapStore.read(path: folder.store)
  }
}
