// Tabular: key | English | Japanese. Every key is "graph" or begins with "graph.".
extension Phrases {
  /// The texts of the graph and of what is drawn beside it.
  package static let graphRows = rows(
    of: """
      graph | Graph | グラフ
      graph.networksNote | In and out over all hosts of a network. Open one for its hosts. | ネットワークの全ホストの合計。開くとホストを示す。
      graph.around | One step around | 直接の相手
      graph.aroundNote | Clients left, servers right; the thicker, the more bytes. | 左はクライアント、右はサーバ。太いほどバイト数が多い。
      graph.moreClients | {count} more {count?client/clients} | ほか {count} クライアント
      graph.moreServers | {count} more {count?server/servers} | ほか {count} サーバ
      graph.larger | Larger | 拡大
      graph.smaller | Smaller | 縮小
      graph.fit | Fit width | 幅に合わせる
      graph.actual | Actual size | 原寸
      graph.title | Dependency graph | 依存関係グラフ
      graph.note | Arrows lead from clients to servers; the thicker, the more bytes. | 矢印はクライアントからサーバへ向かう。太いほどバイト数が多い。
      graph.summary | {nodes} {nodes?node/nodes} and {edges} {edges?edge/edges}. | ノード {nodes}、エッジ {edges}。
      graph.hiddenNodes | {count} {count?group or host/groups or hosts} with less traffic {count?is/are} joined or left out. | 通信量の少ない {count} 件のグループまたはホストは、まとめるか省いた。
      graph.hiddenEdges | {count} {count?edge/edges} with less traffic {count?is/are} left out. | 通信量の少ない {count} 本のエッジは省いた。
      graph.empty | Nothing to draw: no service matches. | 該当するサービスがなく、描くものがない。
      graph.outside | Outside | 組織外
      graph.others | Others | その他
      graph.othersOf | Others of {name} | {name} のその他
      graph.clientsOf | Clients in {name} | {name} のクライアント
      graph.clientsOutside | Clients outside | 組織外のクライアント
      graph.hosts | {count} {count?host/hosts} | {count} ホスト
      graph.addresses | {count} {count?address/addresses} | {count} アドレス
      graph.services | {count} {count?service/services} | {count} サービス
      graph.provides | Provides {count} {count?service/services} | 提供サービス {count}
      graph.requests | Requests {count} {count?service/services} | 要求サービス {count}
      graph.more | +{count} | 他 {count}
      graph.edge | {client} → {server} | {client} → {server}
      graph.traffic | {bytes} in {sessions} {sessions?session/sessions} | {bytes}、{sessions} セッション
      graph.failed | {count} failed ({share}) | うち失敗 {count}({share})
      graph.confidence | confidence {confidence}, at least {min} | 確度 {confidence}(最小 {min})
      graph.legend | Legend | 凡例
      graph.legend.sure | certain (from 0.98) | 確実(0.98 以上)
      graph.legend.likely | very likely (from 0.9) | ほぼ確実(0.9 以上)
      graph.legend.weak | less sure | それ未満
      graph.legend.fail | a tenth of the sessions failed, or more | セッションの1割以上が失敗
      """)
}
