extension UnitConfiguration {
  /// All keys with their values, as a file that reads as this configuration.
  var yaml: String {
    var text = ""
    var section: String?
    for setting in UnitConfiguration.settings {
      if setting.section != section {
        section = setting.section
        if let section { text += "\(section):\n" }
      }
      text += "\(section == nil ? "" : "  ")\(setting.name): \(setting.write(self))\n"
    }
    return text
  }
}
