internal import ServiceMap

/// Who depends on whom, small enough to be looked at: nodes are groups of hosts or hosts, edges lead from
/// clients to servers.
///
/// Built from services, and from failed requests where they are asked for. Multicast, notices and
/// what is undecided are no dependencies and not in it. The same map and options give the same graph.
public struct DependencyGraph: Sendable {
  public struct Node: Sendable {
    public enum Kind: String, CaseIterable, Sendable {
      /// A group that people named.
      case group
      case network
      case host
      /// All that is outside of the organisation.
      case outside
      /// What has least traffic, joined.
      case others
      /// Clients of a host, joined by group.
      case clients
    }

    /// What a click on it leads to.
    public enum Target: Equatable, Sendable {
      /// Index into `ServiceMap.hosts`.
      case host(Int)
      /// The name of a group.
      case group(String)
    }

    /// The same in every graph of a map: `host:10.0.0.5`, `group:10.0.0.0/24`, `others`. Foreign text.
    public let id: String
    /// A name, and an address where the name isn't one; as they are, uncut. Foreign text. Empty where only
    /// the kind tells what it is; `GraphText` has the words for it.
    public let labels: [String]
    public let kind: Kind
    /// Active hosts in it; where it joins clients or others, hosts that it stands for.
    public var hosts: Int
    /// Services that its hosts provide, and service-server pairs that they request, in the whole map.
    public var provides: Int
    public var requests: Int
    /// Layer-3 octets of the relations in this graph that begin or end here.
    public var bytes: UInt64
    public let target: Target?
    /// The host that the graph is about.
    public let isFocus: Bool
  }

  /// What a client's node asks of a server's: one service's part of an edge.
  public struct EdgeService: Equatable, Sendable {
    /// `tcp/443`
    public let endpoint: String
    /// `https`; "" where it has none. Foreign text.
    public let name: String
    public let bytes: UInt64

    /// The name, or the endpoint.
    public var label: String { name.isEmpty ? endpoint : name }
  }

  public struct Edge: Sendable {
    /// Indices into `nodes`: the clients', and the servers'. Both the same for what stays within one.
    public let from: Int
    public let to: Int
    /// Those with most bytes, at most `servicesMax`.
    public let services: [EdgeService]
    /// All of them, listed or not.
    public let servicesCount: Int
    public let bytes: UInt64
    public let sessions: UInt64
    /// Sessions that were refused or unanswered.
    public let failedSessions: UInt64
    /// The mean of the joined relations' confidences, weighted by bytes: the share of this traffic that is
    /// expected to point the right way.
    public let confidence: Double
    /// The least of them.
    public let confidenceMin: Double

    public var hasFailures: Bool { failedSessions > 0 }
    /// Whether enough failed to be worth a look: a tenth of the sessions.
    public var isFailing: Bool { hasFailures && failedSessions * 10 >= sessions }
  }

  public static let servicesMax = 4

  /// In the order of groups and addresses; those of the kind `others` last.
  public let nodes: [Node]
  /// By `from`, then `to`.
  public let edges: [Edge]
  /// Groups or hosts that were joined into others, or left without a shown edge.
  public let hiddenNodes: Int
  /// Edges below the options' limits.
  public let hiddenEdges: Int

  /// - Parameters:
  ///   - labels: of the same map.
  ///   - grouping: of the same map.
  /// - Complexity: O(n) in relations and hosts; 24 bytes a relation while it is made.
  init(map: ServiceMap, labels: Labels, grouping: GraphGrouping, options: GraphOptions) {
    let builder = GraphBuilder(map: map, labels: labels, grouping: grouping, options: options)
    (nodes, edges, hiddenNodes, hiddenEdges) = builder.build()
  }

  init(nodes: [Node], edges: [Edge], hiddenNodes: Int = 0, hiddenEdges: Int = 0) {
    self.nodes = nodes
    self.edges = edges
    self.hiddenNodes = hiddenNodes
    self.hiddenEdges = hiddenEdges
  }
}
