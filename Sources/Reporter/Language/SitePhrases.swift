// Tabular: key | English | Japanese.
/// The texts of the report service: those of the page, and its own.
enum SitePhrases {
  static func of(_ language: ReportLanguage) -> Phrases { language == .en ? english : japanese }

  private static let english = Phrases(.en, of: Phrases.rows + Phrases.graphRows + rows)
  private static let japanese = Phrases(.ja, of: Phrases.rows + Phrases.graphRows + rows)

  static let rows = Phrases.rows(
    of: """
      details | Details | 詳細
      portsAsked | Ports | ポート数
      clientsIn | Clients in | クライアントの所属
      servicesIn | Services in | サービスの所属
      bytesIn | Bytes in | 受信バイト
      bytesOut | Bytes out | 送信バイト
      packetsIn | Packets in | 受信パケット
      packetsOut | Packets out | 送信パケット
      seenElsewhere | Also seen at another capture point | 他の捕捉点でも観測
      seenElsewhere.note | {share} of the packets; difference {difference} | パケットの {share}、差 {difference}
      seenElsewhere.more | all packets at several points; {difference} more than packets | 全パケットを複数点で観測(パケット数を {difference} 超過)
      site.roundTrip | Round trip | 往復時間
      since | From | 開始
      seconds | Seconds | 秒
      reason | Reason | 理由
      newServices | New services | 新しいサービス
      pairs | Pairs of networks | ネットワークの組
      site.new | What is new: services first seen in the last tenth of the time | 新しいもの: 期間の最後の1割で初めて現れたサービス
      site.traffic | Traffic over time | 通信量の推移
      site.hostTraffic | Traffic over time, as the host sees it | 通信量の推移(ホストから見た受信・送信)
      site.serviceTraffic | Traffic over time, as the server sees it | 通信量の推移(サーバから見た受信・送信)
      site.figures | Figures | 数値
      site.peerNetworks | Networks it deals with | 通信相手のネットワーク
      site.clientNetworks | Where the clients are | クライアントのネットワーク
      site.serviceOf | {service} on {host} | {host} の {service}
      site.relationOf | {client} uses {service} on {server} | {client} が {server} の {service} を利用
      site.outside | Outside | 組織外
      site.multicast | Multicast and broadcast | マルチキャスト・ブロードキャスト
      site.graph | Graph | グラフ
      site.edges | Edges of the graph | グラフの辺
      site.opened | Opened: | 展開中:
      site.any | any | すべて
      site.level.group | groups and networks | グループ・ネットワーク
      site.level.host | hosts | ホスト
      site.graph.level | Show | 表示単位
      site.graph.minBytes | At least | 最小通信量
      site.graph.minConfidence | Confidence from | 最小確度
      site.graph.failures | Failed requests | 失敗した要求
      site.why | All the evidence for this role | この役割のすべての証拠
      site.whyOf | Why {endpoint} is judged as it is | {endpoint} の判定の根拠
      site.noEvidence | Nothing was seen of that endpoint. | そのエンドポイントの観測はない。
      site.health | Health | 稼働状況
      site.noUnit | No unit writes this map here: it is a map that was kept. | このマップは保存されたもので、現在書き込んでいるユニットはない。
      site.all | Show all | すべて表示
      site.find | Find in this table | この表を検索
      site.apply | Show | 表示
      site.pages | Pages of this table | 表のページ
      site.page | Page {page} of {pages} | {pages} ページ中 {page}
      site.first | First | 最初
      site.previous | Previous | 前へ
      site.next | Next | 次へ
      site.last | Last | 最後
      site.from | from | 開始
      site.to | to | 終了
      site.range.usual | usual | 標準
      site.range.1h | last hour | 直近1時間
      site.range.24h | last 24 hours | 直近24時間
      site.range.7d | last 7 days | 直近7日
      site.range.30d | last 30 days | 直近30日
      site.range.all | everything | 全期間
      site.updated | The map was renewed. | マップを更新した。
      site.api | API | API
      site.yes | yes | はい
      site.no | no | いいえ
      site.noPage | There is no such page. | そのページはない。
      site.noAddress | That is no IP address. | IPアドレスではない。
      site.noService | That is no service: write /services/tcp/443. | サービスの指定が正しくない(例: /services/tcp/443)。
      site.noRelation | That client does not use that service in this map. | このマップでは、そのクライアントはそのサービスを利用していない。
      site.noNetwork | There is no network {name} in this map. | このマップに {name} というネットワークはない。
      site.status.400 | That can't be answered | 要求に誤りがある
      site.status.404 | Not found | 見つからない
      site.status.503 | Not available at the moment | 現在利用できない
      """)
}
