/// Tells filters about addresses, ports and protocols from filters about the link layer.
///
/// The first kind must mean the same whether a packet has a VLAN tag or not; the second kind is
/// about the tag. The words are those of pcap-filter(7) that name link-layer protocols, addresses
/// or directions, or that a frame header answers.
enum FilterWords {
  private static let linkLevel: Set<String> = [
    // Link layers, and addresses and fields of theirs.
    "ether", "link", "fddi", "tr", "wlan", "ppp", "slip", "radio", "ehost", "gateway", "arcnet",
    // Tags and shims.
    "vlan", "mpls", "pppoed", "pppoes",
    // Protocols beside IP.
    "arp", "rarp", "aarp", "atalk", "ipx", "netbeui", "decnet", "lat", "moprc", "mopdl", "sca",
    "llc", "stp", "iso", "clnp", "esis", "es-is", "isis", "is-is", "l1", "l2", "iih", "lsp",
    "snp", "csnp", "psnp", "iihl1", "iihl2",
    // 802.11.
    "type", "subtype", "dir", "addr1", "addr2", "addr3", "addr4", "ra", "ta",
    // Direction and interface, which some capture headers tell.
    "inbound", "outbound", "ifname", "on", "ifindex", "rnr", "rulenum", "srnr", "subrulenum",
    "reason", "rset", "ruleset", "action",
    // ATM and signalling.
    "lane", "oam", "oamf4", "oamf4ec", "oamf4sc", "connectmsg", "metaconnect", "metac", "bcc",
    "sc", "ilmic", "vpi", "vci", "fisu", "lssu", "lsu", "msu", "hfisu", "hlssu", "hmsu", "sio",
    "opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls",
  ]

  /// These are about the link layer unless `ip` or `ip6` stands before them.
  private static let linkLevelAlone: Set<String> = ["broadcast", "multicast"]

  /// Whether `expression` asks for anything below IP.
  static func areLinkLevel(_ expression: String) -> Bool {
    var previous = ""
    for word in words(of: expression) {
      if linkLevel.contains(word) { return true }
      if linkLevelAlone.contains(word) && previous != "ip" && previous != "ip6" { return true }
      previous = word
    }
    return false
  }

  /// Names, numbers and addresses. `.`, `:`, `-` and `_` belong to words, so a host called
  /// `vlan.example.net` is not the word `vlan`; a backslash before a name is left out.
  static func words(of expression: String) -> [String] {
    expression.split { character in
      !(character.isASCII
        && (character.isLetter || character.isNumber || ".:-_".contains(character)))
    }.map { $0.lowercased() }
  }
}
