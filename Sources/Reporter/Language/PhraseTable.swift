// Tabular: key | English | Japanese. Long by nature. For {name} and {name?one/many} see
// `Phrases.filled`.
extension Phrases {
  static let table = """
    title | Service map | サービスマップ
    lead | Which host provides which service to whom, from packet headers alone | どのホストが、どのサービスを、誰に提供しているか(パケットヘッダのみから)
    files | Captured from | 入力
    liveCapture | live capture | ライブキャプチャ
    moreFiles | and {count} more | 他 {count} 件
    filter | Filter | フィルタ
    time | Time span | 期間
    utc | UTC | UTC
    noPackets | no packets | パケットなし
    traffic | Traffic | トラフィック
    packets | Packets | パケット
    packetsUnit | {count} {count?packet/packets} | {count} パケット
    bytes | Bytes | バイト
    bytesNote | layer-3 octets of the mapped packets | 集計済みパケットのレイヤ3オクテット
    frameBytes | Frame bytes | フレームバイト
    meanRate | Mean rate | 平均レート
    hosts | Hosts | ホスト
    servers | Servers | サーバ
    clients | Clients | クライアント
    clientsUnit | {count} {count?client/clients} | クライアント {count}
    clientsOnly | Clients only | クライアントのみ
    networks | Networks | ネットワーク
    network | Network | ネットワーク
    services | Services | サービス
    service | Service | サービス
    relations | Relations | 関係
    relationsNote | pairs of a service and a client | サービスとクライアントの組
    sessions | Sessions | セッション
    host | Host | ホスト
    server | Server | サーバ
    client | Client | クライアント
    name | Name | 名前
    address | Address | アドレス
    protocol | Protocol | プロトコル
    port | Port | ポート
    addresses.many | {count} addresses | {count} アドレス
    ports | {port} and {more} more {more?port/ports} | {port} ほか {more} ポート
    confidence | Confidence | 確度
    role | Role | 役割
    in | In | 受信
    out | Out | 送信
    firstSeen | First seen | 初出
    lastSeen | Last seen | 最終
    roundTrip | Handshake round trip | ハンドシェイク往復時間
    share | Share | 割合
    summaryHosts | {hosts} in {networks} {networks?network/networks}: {servers} {servers?server/servers}, {clients} {clients?client/clients} only | {hosts}({networks} ネットワーク): サーバ {servers}、クライアントのみ {clients}
    summaryServices | {services}, {relations} {relations?relation/relations}, {sessions} {sessions?session/sessions} | {services}、関係 {relations}、セッション {sessions}
    top | Top | 上位
    overview | Overview | 概要
    topByClients | Services with the most clients | クライアント数の多いサービス
    topByBytes | Services with the most traffic | トラフィックの多いサービス
    topServers | Servers with the most clients | クライアント数の多いサーバ
    topTalkers | Hosts with the most traffic | トラフィックの多いホスト
    failures | Failed requests | 失敗した要求
    failuresNote | Requests that were refused or stayed unanswered. No service is made of them. | 拒否された、または応答のなかった要求。サービスとしては数えない。
    refused | Refused | 拒否
    unanswered | Unanswered | 無応答
    failed | Failed | 失敗
    failedSessions | Failed sessions | 失敗したセッション
    undecidedPackets | Undecided packets | 未判定のパケット
    portA | Port A | ポートA
    portB | Port B | ポートB
    likelier | Likely server | 有力なサーバ
    likelier.neither | neither | どちらとも言えない
    noneFailed | none | なし
    failedSummary | {sessions} {sessions?session/sessions} refused or unanswered ({relations} client-service {relations?pair/pairs}) | 拒否または無応答のセッション {sessions}(組 {relations})
    groups | Groups | グループ
    groupsNote | Traffic to multicast and broadcast addresses: who sends, not who serves. | マルチキャスト・ブロードキャスト宛。送信元を示し、サービスとはしない。
    group | Group | グループ
    sender | Sender | 送信元
    undecided | Undecided | 未判定
    undecidedNote | Traffic in which neither side is shown to be the server. It counts for no service; the likelier server is a hint, with the probability that it is one. | どちらがサーバか、証拠が十分でない通信。サービスには数えない。より有力な側とその確率は、手掛かりとして示す。
    undecidedSummary | {packets} {packets?packet/packets} in {relations} {relations?pair/pairs}: too little evidence of who serves | {packets} パケット({relations} 組): サーバを示す証拠が不十分
    undecidedPairs | Undecided pairs with the most packets | パケット数の多い未判定の組
    notices | Notices | 通知
    noticesNote | ICMP errors and other messages that are neither request nor answer. | ICMPエラーなど、要求でも応答でもないメッセージ。
    sideA | Side A | A側
    sideB | Side B | B側
    aToB | A → B | A → B
    bToA | B → A | B → A
    accounting | Accounting | 収支
    accountingNote | Every captured packet has exactly one outcome. | 捕捉したパケットは、必ずいずれか一つに数えられる。
    identity | captured = mapped + Σ reasons | 捕捉 = 集計 + Σ 理由
    explained | What this means | 意味
    outcome | Outcome | 結果
    meaning | Meaning | 意味
    captured | captured | 捕捉
    outcome.mapped | mapped | 集計
    outcome.filtered | filtered | フィルタ除外
    outcome.duplicate | duplicate | 重複
    outcome.seenElsewhere | seen elsewhere | 他の捕捉点で計上
    outcome.notIP | not IP | IP以外
    outcome.truncated | truncated | 切り詰め
    outcome.malformed | malformed | 不正
    outcome.unsupportedLinkType | unsupported link type | 未対応リンク種別
    outcome.addressBookFull | address book full | アドレス帳満杯
    outcome.droppedByKernel | dropped by kernel | カーネル破棄
    outcome.droppedByRing | dropped by ring | リング破棄
    outcome.droppedBySpool | dropped by spool | スプール破棄
    outcome.lostInCrash | lost in a crash | 異常終了で喪失
    outcome.lostInTransit | lost in transit | 転送中に喪失
    why.captured | All packets that reached the capture point. | 捕捉点に届いた全パケット。
    why.mapped | In this map. | このマップに含まれる。
    why.filtered | The capture filter did not want them. | キャプチャフィルタの対象外。
    why.duplicate | Copies of a packet already seen (mirror port). | 既に見たパケットの複製(ミラーポート)。
    why.seenElsewhere | Another capture point saw the same packets, and they are counted there. | 別の捕捉点でも見えた同じパケットで、そちらに数えた。
    why.notIP | Neither IPv4 nor IPv6: ARP, spanning tree, LLDP and the like. | IPv4でもIPv6でもない(ARP、STP、LLDPなど)。
    why.truncated | Cut off before the end of the IP header by the snap length. | スナップ長のためIPヘッダの途中で切れている。
    why.malformed | The IP header contradicts itself. | IPヘッダに矛盾がある。
    why.unsupportedLinkType | A link type that renkei does not read. | 対応していないリンク種別。
    why.addressBookFull | A new IPv6 address for which the address book had no room. | アドレス帳に空きがなく、新しいIPv6アドレスを登録できなかった。
    why.droppedByKernel | The kernel's capture buffer had no room: these packets were not seen. | カーネルのバッファ不足で取りこぼした。
    why.droppedByRing | The ring to the next stage had no room: these packets were not counted further. | 次段へのリングが満杯で破棄した。
    why.droppedBySpool | The cluster could not be reached and the collector's spool had no room: these packets were not counted further. | クラスタに届かず、収集部のスプールも満杯で破棄した。
    why.lostInCrash | They were in a process that was killed. | 強制終了したプロセスの中にあった。
    why.lostInTransit | They were in a batch that never arrived at the next box. | 次の装置に届かなかったバッチの中にあった。
    complete | Nothing lost | 取りこぼしなし
    completeNote | All captured packets are in the map or named below. | 捕捉した全パケットは、集計済みか下記の理由に数えられている。
    dropsNote | Packets were dropped while capturing: figures are lower bounds. | キャプチャ中に取りこぼしがあり、数値は下限値である。
    warnings | Warnings | 警告
    warning | Warning | 警告
    duplicates | {count} {count?packet was a copy of a packet/packets were copies of packets} already seen ({share}), as from a mirror port that copies both directions; each was counted once. | {count} パケット({share})は、双方向を複製するミラーポートなどによる、既に見たパケットの複製だった。複製は除き、一度だけ数えた。
    saturated | {count} {count?packet was/packets were} longer than 65,535 bytes and {count?counts/count} as 65,535. | {count} パケットは65,535バイトを超え、65,535として数えた。
    exportedEarly | There were too many sessions to keep: {count} {count?was/were} reported before {count?its/their} end and may be counted twice. | セッションが多すぎたため、{count} 件を終了前に集計した。二重に数えられた可能性がある。
    measured | Layer-3 traffic, from packet headers. No payload was read into records. | パケットヘッダによるレイヤ3の通信。ペイロードは記録していない。
    selfCheck | Self-check | 自己検証
    selfCheck.some | Roles without handshake: {right} right, {undecided} undecided, {wrong} wrong on {endpoints} server {endpoints?endpoint/endpoints} of this traffic ({endpoints?its/their} handshakes were hidden for the test). | ハンドシェイクなしでの役割判定: 正解 {right}、未判定 {undecided}、誤り {wrong}。このトラフィックのサーバエンドポイント {endpoints} 件について、ハンドシェイクを伏せて検証した。
    selfCheck.none | No complete handshakes were captured, so the rule could not be checked on this traffic. | 完結したハンドシェイクが捕捉されていないため、このトラフィックでは判定規則を検証できなかった。
    completeness | How complete is this map | このマップの網羅性
    completeness.partial | This capture shows mostly one direction of the traffic, or samples of it: that nobody answered can't be told from it. | このキャプチャは、ほぼ片方向の通信、または間引かれたパケットからなる。応答がなかったことは、ここからは判断できない。
    completeness.twoWay | Of {sessions} {sessions?session/sessions}, none was seen in one direction only. | {sessions} セッション中、片方向のみ観測されたものはない。
    completeness.oneWay | Of {sessions} {sessions?session/sessions}, {count} ({share}) {count?was/were} seen in one direction only. | {sessions} セッション中 {count}({share})は、片方向のみ観測された。
    completeness.decided | No traffic stayed undecided. | サーバが未判定の通信はない。
    completeness.undecided | Who serves is undecided in {packets} {packets?packet/packets} ({packetshare}) and {bytes} ({byteshare}) of what is mapped. | サーバが未判定の通信: {packets} パケット({packetshare})、{bytes}({byteshare})。割合は集計済みの全通信に対するもの。
    completeness.dropped | {count} {count?packet was/packets were} dropped while capturing and {count?is/are} missing here. | キャプチャ中に {count} パケットを取りこぼし、ここには含まれない。
    completeness.kept | No packets are known to have been dropped while capturing. | キャプチャ中の取りこぼしは確認されていない。
    completeness.short | The capture is shorter than ten seconds: it can't be told whether a longer one would show more services. | キャプチャが10秒未満のため、より長ければサービスが増えるかどうかは判断できない。
    completeness.settled | Of {services} {services?service/services}, none was first seen in the last tenth of the capture: a somewhat longer one would hardly show more, but for what runs at other times. | {services} サービスのうち、キャプチャの最後の1割で初めて現れたものはない。もう少し長くしても、別の時間帯に動くものを除き、ほとんど増えないと見込まれる。
    completeness.few | Of {services} {services?service/services}, {count} {count?was/were} first seen in the last tenth of the capture: a longer one may show a few more. | {services} サービスのうち {count} は、キャプチャの最後の1割で初めて現れた。より長くすれば、若干増える可能性がある。
    completeness.many | Of {services} {services?service/services}, {count} {count?was/were} first seen in the last tenth of the capture: a longer one would likely show more. | {services} サービスのうち {count} は、キャプチャの最後の1割で初めて現れた。より長くすれば、さらに増える見込みが高い。
    language | Language | 言語
    sections | Sections | 目次
    skip | Skip to content | 本文へ
    noscript | This page shows its overview without JavaScript. Lists of all hosts, services and clients need JavaScript; it runs inside this file and loads nothing. | JavaScriptなしでは概要のみを表示する。全ホスト・サービス・クライアントの一覧にはJavaScriptが必要(このファイル内で動作し、何も読み込まない)。
    capped | This page is limited in size: of {relations} service-client pairs it lists {listed} one by one, those with the most traffic of each service; the others are in the sums, as "other clients", so that what a host requests may be incomplete. {rows} {rows?row/rows} without a service {rows?is/are} left out of the lists. The JSON and CSV reports hold everything. | このページは大きさに上限がある。サービスとクライアントの組 {relations} のうち、各サービスで通信量の多い {listed} を個別に示し、残りは「その他のクライアント」として合計に含める。そのためホストの要求は一部のみの場合がある。サービス以外の {rows} 行は一覧から省いた。JSONとCSVにはすべて含まれる。
    builtBy | Made by | 作成
    provides | Provides | 提供
    requests | Requests | 要求
    providers | Providers | 提供元
    providesNote | Services of this host, and who uses them. In and out as the host itself sees them. | このホストのサービスと、その利用者。受信・送信はホストから見たもの。
    requestsNote | Services that this host uses. In and out as the host itself sees them. | このホストが利用するサービス。受信・送信はホストから見たもの。
    servicesNote | By protocol and port. Open one for its providers and their clients. In and out as the servers see them. | プロトコルとポート別。開くと提供元とそのクライアントを示す。受信・送信はサーバから見たもの。
    endpoint | Endpoint | エンドポイント
    matrix | Who provides to whom, between networks | ネットワーク間の提供関係
    matrixNote | Bytes in both directions between clients in the row's network and services in the column's. The darker, the more. | 行のネットワークのクライアントと、列のネットワークのサービスとの間の両方向バイト数。濃いほど多い。
    matrixCorner | clients in ↓ services in → | クライアント↓ サービス→
    networksMore | The {shown} networks with the most traffic, of {count}. | 通信量の多い {shown} ネットワーク(全 {count})。
    filter.label | Search | 検索
    filter.placeholder | Address, name, port, service, network | アドレス、名前、ポート、サービス、ネットワーク
    rows.count | {count} {count?row/rows} | {count} 行
    rows.found | {found} of {count} {count?row/rows} | {count} 行中 {found} 行
    rows.more | Show more ({count} left) | さらに表示(残り {count})
    rows.none | None seen. | 観測なし。
    rows.noMatch | Nothing matches the search. | 一致なし。
    rows.hidden | {count} more {count?row is/rows are} not in this page; the JSON and CSV reports hold {count?it/them}. | ほかに {count} 行あり、このページには含まれない。JSONとCSVにはある。
    allHosts | All hosts | 全ホスト
    allServices | All services | 全サービス
    hostUnknown | No host {address} in this map. | このマップに {address} はない。
    serviceUnknown | No service {service} in this map. | このマップに {service} はない。
    clientsOf | Clients of {service} on {server} | {server} の {service} のクライアント
    otherClients | {count} other {count?client/clients} | その他 {count} クライアント
    asClient | as client | クライアントとして
    asServer | as server | サーバとして
    direction | Side | 立場
    type | Type | 種別
    from | From | 送信元
    to | To | 宛先
    isGroup | multicast or broadcast group | マルチキャスト・ブロードキャスト
    isSilent | was asked, but was not seen to send anything | 要求を受けたが、送信は観測されていない
    level.certain | certain | 確実
    level.veryLikely | very likely | ほぼ確実
    level.likely | likely | 有力
    level.weak | weak | 弱い
    basis.handshake | handshake | ハンドシェイク
    basis.synAck | SYN+ACK seen | SYN+ACKを観測
    basis.syn | SYN seen | SYNを観測
    basis.knownServer | it answers others | 他の相手に応答
    basis.fanIn | peers and ports | 相手とポートの数
    basis.firstSpeaker | client spoke first | 相手が先に送信
    basis.port | port number | ポート番号
    basis.group | group address | グループアドレス
    basis.none | no evidence | 証拠なし
    basis.overridden | by the roles file | 役割ファイルの指定
    basis.behaviour | what the hosts do elsewhere | 他の通信での振る舞い
    basis.openPort | open port, probed | 開放ポートへの探査
    basis.oneWay | one-way protocol | 一方向プロトコル
    because.overridden | The roles file says so; nothing was judged. | 役割ファイルの指定による。判定は行っていない。
    because.handshake | A request and its answer were both captured (SYN and SYN+ACK, or ICMP request and reply): who answers is the server. | 要求とそれへの応答(SYNとSYN+ACK、またはICMPの要求と応答)が両方捕捉されている。応答した側がサーバである。
    because.synAck | The answer to a SYN was captured, though not the SYN itself: who answers is the server. | SYNへの応答が捕捉されている(SYN自体は捕捉されていない)。応答した側がサーバである。
    because.syn | A SYN was captured, but no answer to it. Who asks is certain; that the other side serves is concluded from other traffic. | SYNは捕捉されたが、応答は捕捉されていない。要求した側は確実であり、相手が提供していることは他の通信から判断した。
    because.knownServer | No handshake was captured here, but the endpoint answered handshakes in other sessions. | ここではハンドシェイクが捕捉されていないが、このエンドポイントは他のセッションでハンドシェイクに応答している。
    because.fanIn | No handshake was captured. What weighs most is how many peer addresses and ports meet in this endpoint, and how many on the other side. | ハンドシェイクは捕捉されていない。最も強い根拠は、このエンドポイントに集まる相手アドレスとポートの数(もう一方の側との差)である。
    because.firstSpeaker | No handshake was captured. What weighs most is that the other side speaks first. | ハンドシェイクは捕捉されていない。最も強い根拠は、もう一方の側が先に送信していることである。
    because.port | No handshake was captured. What weighs most is the port number: well known, common in this network, or unlike those of clients. | ハンドシェイクは捕捉されていない。最も強い根拠はポート番号(既知の番号、このネットワークで多用される番号、またはクライアント側らしくない番号)である。
    because.group | The address is a multicast or broadcast group. | 宛先はマルチキャストまたはブロードキャストのグループである。
    because.none | Nothing speaks for either side. | どちらの側を示す証拠もない。
    because.behaviour | No handshake was captured. What weighs most is what the two hosts do elsewhere: one mostly serves, the other mostly asks. | ハンドシェイクは捕捉されていない。最も強い根拠は、両ホストの他の通信での振る舞い(一方は主に提供し、他方は主に要求する)である。
    because.openPort | It answered a SYN, but no session came of it: the port is open and was probed. Nobody was seen to use the service. | SYNに応答したが、セッションには至っていない。ポートは開いていて探査を受けたが、サービスの利用は観測されていない。
    because.oneWay | The protocol of this port never answers, such as syslog, SNMP traps or NetFlow, and it is spoken to again and again. | このポートのプロトコル(syslog、SNMPトラップ、NetFlowなど)は応答を返さず、繰り返し送信を受けている。
    why | Why? | 判定の根拠
    why.confidence | Probability that the role is right: {confidence}. | 役割が正しい確率: {confidence}。
    why.command | All the evidence, where the map was kept with renkei audit -o map.db: | すべての証拠を見るには(renkei audit -o map.db でマップを保存した場合):
    kind.peer | peer | 対等
    """
}
