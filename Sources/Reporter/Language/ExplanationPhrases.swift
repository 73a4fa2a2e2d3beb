// Tabular: key | English | Japanese. Every key has a full stop in it, so that a test finds one that the
// table lacks in the text.
extension Phrases {
  /// The texts of `renkei why`.
  static let explanationRows = rows(
    of: """
      is.server | {endpoint} is a server, confidence {confidence}. | {endpoint} はサーバである(確度 {confidence})。
      is.peer | {endpoint} is a peer: either side may ask. Confidence {confidence}. | {endpoint} は対等な通信の一方である(どちらからも要求しうる。確度 {confidence})。
      is.client | {endpoint} is a client of {other}, confidence {confidence}. | {endpoint} は {other} のクライアントである(確度 {confidence})。
      is.clientOfMany | {endpoint} is a client of {count} servers, first of all {other}; confidence {confidence}. | {endpoint} は {count} サーバのクライアントである(主に {other}、確度 {confidence})。
      is.group | {endpoint} is a group: others send to it, and no host serves there. | {endpoint} はグループ宛である。送信元はあるが、サービスを提供するホストではない。
      is.sender | {endpoint} sends to the group {other}. | {endpoint} はグループ {other} に送信している。
      is.undecided | {endpoint} is undecided: it is not clear enough who serves. | {endpoint} は未判定である。どちらがサーバか、十分な証拠がない。
      is.undecidedByLine | {endpoint} is undecided: the roles file makes the other side the server, which has several ports here and none that could be named. | {endpoint} は未判定である。役割ファイルでは相手側がサーバとなるが、相手側は複数のポートを用いており、サービスを特定できない。
      is.failed | {endpoint} is no service: the requests to it were refused or left without an answer. | {endpoint} はサービスではない。要求はすべて拒否されたか、応答がなかった。
      is.inVain | {endpoint} is a client in vain: what it asked of {other} was refused or left without an answer. | {endpoint} は要求に失敗したクライアントである。{other} への要求は拒否されたか、応答がなかった。
      is.notice | {endpoint} is not judged: only resets or errors were seen. | {endpoint} は判定しない。リセットまたはエラーのみが観測された。
      role.server | server | サーバ
      role.peer | peer | 対等
      role.client | client | クライアント
      role.group | group | グループ
      role.sender | sender to a group | グループへの送信元
      role.undecided | undecided | 未判定
      role.failed | failed: no service | 失敗(サービスなし)
      role.inVain | client in vain | 要求に失敗したクライアント
      role.notice | not judged | 判定なし
      part.server | Clients | クライアント
      part.peer | Peers | 対等な相手
      part.client | Servers | サーバ
      part.group | Senders | 送信元
      part.sender | Groups | 宛先グループ
      part.undecided | Undecided | 未判定
      part.failed | Failed requests | 失敗した要求
      part.inVain | Asked in vain | 失敗した自身の要求
      part.notice | Not judged | 判定なし
      part.text | {addresses}, {sessions} | {addresses}、{sessions}
      count.addresses | {count} addresses | {count} アドレス
      count.address1 | 1 address | 1 アドレス
      count.sessions | {count} sessions | {count} セッション
      count.session1 | 1 session | 1 セッション
      count.ports | {count} ports | {count} ポート
      count.port1 | 1 port | 1 ポート
      count.peers | {count} more addresses talk | {count} アドレスが新たに
      count.peer1 | 1 more address talks | 1 アドレスが新たに
      title.why | Rests on | 根拠
      title.roles | Roles file | 役割ファイル
      title.seen | Seen of this endpoint | このエンドポイントの観測
      title.traffic | Traffic | 通信
      title.handshakes | Handshakes | ハンドシェイク
      title.requests | Came to nothing | 不成立の要求
      title.first | First to speak | 先に送信した側
      title.directions | Directions | 方向
      title.host | Whole host | ホスト全体
      title.example | Example | 代表例
      title.changes | What would change it | 判定を変えるもの
      roles.line | {path}:{line}: {text} | {path}:{line}: {text}
      roles.other | {path}:{line}, about {other}: {text} | {path}:{line}({other} について): {text}
      seen.traffic | {sessions} with {addresses} ({ports}); {in} in, {out} out | {sessions}、{addresses}({ports})、受信 {in}、送信 {out}
      seen.handshakes | answered in {sessions} from {addresses} | {addresses}から {sessions} に応答
      seen.begun | began {sessions} as the client | クライアントとして {sessions} を開始
      seen.noHandshakes | none captured | 観測なし
      seen.nothingFailed | none | なし
      seen.failed | {refused} refused, {unanswered} unanswered, {halfOpen} half-open | 拒否 {refused}、無応答 {unanswered}、ハーフオープン {halfOpen}
      seen.unheard | {count} went on although no answer of it was captured | {count} は応答が観測されないまま継続
      seen.first | the other side in {count} of {sessions} without a handshake | ハンドシェイクのない {sessions}のうち {count} で相手側
      seen.directions | both in {twoWay}, only towards it in {onlyIn}, only from it in {onlyOut} | 両方向 {twoWay}、受信のみ {onlyIn}、送信のみ {onlyOut}
      seen.host | clearly the server of {served} client ports, clearly the client with {requested} of its own | 明らかにサーバとして応じた相手 {served} ポート、明らかにクライアントとして用いた自ポート {requested}
      seen.hostInVain | asked in vain at {count} ports | 要求に失敗した先 {count} ポート
      seen.partial | Most of this capture shows one direction only: silence says nothing in it. | このキャプチャの大半は片方向のみのため、無応答は証拠としない。
      basis.overridden | the roles file | 役割ファイルの指定
      basis.handshake | SYN and SYN+ACK of the same session | 同一セッションのSYNとSYN+ACK
      basis.synAck | a SYN+ACK, its SYN was not captured | SYN+ACK(SYNは未観測)
      basis.syn | a SYN; no SYN+ACK was captured | SYN(SYN+ACKは未観測)
      basis.openPort | a SYN+ACK, but no session came of it | SYN+ACK(セッションは成立せず)
      basis.knownServer | handshakes that were answered in other sessions | 他のセッションでのハンドシェイク応答
      basis.fanIn | many peers on one side | 一方に集まる多数の相手
      basis.firstSpeaker | who spoke first | 先に送信した側
      basis.port | the port numbers | ポート番号
      basis.oneWay | a port whose protocol never answers, spoken to again and again | 応答しないプロトコルのポートへの繰り返しの送信
      basis.group | the group's address | グループアドレス
      basis.behaviour | what the two hosts do elsewhere | 両ホストの他での振る舞い
      basis.none | no evidence that suffices | 十分な証拠なし
      example.with | {sessions} of {all}, with {other}: | {other} との {sessions}(全体 {all}):
      example.place | {other} ({count} ports from there upwards) | {other}(以上の {count} ポート)
      example.ownPorts | It stands for {count} ports of this host, of which {port} is the smallest; which were used is not kept. | このホストの {count} ポートをまとめたもの({port} が最小)。個々のポートは保存していない。
      reason.overridden | The roles file decides. | 役割ファイルが判定を決める。
      reason.handshake | A handshake decides. | ハンドシェイクが判定を決める。
      reason.syn | Who asked is certain by its SYN; nothing more was seen to come of it. | SYNにより要求側は確かだが、その先は観測されていない。
      reason.group | The address decides. | アドレスが判定を決める。
      reason.notice | Only resets were seen, of something that was not captured. | 観測外の通信に対するリセットのみが観測された。
      reason.portsUnknown | The ports were cut off, so nothing can be decided. | ポートが不明なため判定できない。
      reason.samePort | Both sides use the same port, and no handshake tells who serves. | 両側が同じポートを用い、ハンドシェイクもない。
      reason.weighed | The evidence was weighed. | 証拠の重みを合計して判定した。
      reason.oneWay | Only one side was seen, and that shows no service. | 片側のみの観測では、サービスとは言えない。
      reason.oneWayService | The protocol of this port never answers, and it is spoken to again and again. | このポートのプロトコルは応答せず、送信が繰り返し観測された。
      reason.elsewhere | An answer from another port or address than was asked. | 要求先とは別のポートまたはアドレスからの応答。
      unanswered.note | Had it been answered, the evidence would say: | 応答があったとすれば、証拠は次のとおり:
      beside.note | Beside that, the evidence says: | それとは別に、証拠は次のとおり:
      hidden.note | With every handshake of the capture hidden, the rest would say: | キャプチャの全ハンドシェイクを隠した場合、残りの証拠は次のとおり:
      column.evidence | Evidence | 証拠
      column.own | Here | 当側
      column.other | There | 相手側
      column.value | Value | 値
      column.weight | Weight | 重み
      column.logOdds | Log-odds | 対数オッズ
      column.odds | Odds | オッズ
      odds.server | {odds} for server | サーバ {odds}
      odds.client | {odds} for client | クライアント {odds}
      odds.none | even | 五分
      odds.huge | over ×1,000,000 | ×1,000,000 超
      sum.total | Sum | 合計
      sum.confidence | Confidence {confidence} for {side}; {limit} decides. | {side}の確度 {confidence}({limit} 以上で確定)。
      sum.even | The evidence is even: confidence 0.50. | 証拠は五分(確度 0.50)。
      sum.silent | No say here: {list}. | 差のない証拠: {list}。
      list.separator | ; | 、
      evidence.peers | peer addresses | 相手アドレス数
      evidence.peerPorts | peer ports | 相手ポート数
      evidence.firstSpeaker | spoke first | 先に送信
      evidence.firstOfWhole | spoke first (share of captured beginnings) | 先に送信(開始を観測した割合で加重)
      evidence.asked | ports that asked it : it asked | 要求してきた:要求したポート
      evidence.portKnown | port number of a known service | 既知サービスのポート番号
      evidence.portRange | port number outside the clients' range | クライアント用の範囲外のポート番号
      evidence.portCommon | port number common in this network | ネットワーク内でよく使われるポート
      evidence.notEphemeral | port unlike those of clients | クライアント用ポートらしくない
      evidence.host | peer ports its host served : asked | ホストが提供した:要求した相手ポート
      evidence.silence | broke a silence | 沈黙を破った
      evidence.served | answered handshakes elsewhere | 他でハンドシェイクに応答
      cell.yes | yes | はい
      cell.no | no | いいえ
      others.text | The other {links} links: confidence {min} to {max}, median {median}. | 他の {links} リンクの確度: {min}–{max}、中央値 {median}。
      others.same | The other {links} links: confidence {min} each. | 他の {links} リンクの確度: いずれも {min}。
      others.one | The other link: confidence {min}. | 他の 1 リンクの確度: {min}。
      change.answers | A captured handshake that it answers (SYN+ACK): {outcome} | このエンドポイントが応答するハンドシェイク(SYN+ACK)の観測 → {outcome}
      change.otherAnswers | A captured handshake that the other side answers: {outcome} | 相手側が応答するハンドシェイクの観測 → {outcome}
      change.peers | If {peers} to it like this one: {outcome} | {peers}同様に通信 → {outcome}
      change.line | A line in the roles file, "{text}": {outcome} | 役割ファイルの行 "{text}" → {outcome}
      change.withoutLine | Without line {line} of {path}: {outcome} | {path} の {line} 行目がなければ → {outcome}
      change.handshake | No other evidence outweighs a handshake; only the roles file does. | 他の証拠がハンドシェイクに勝ることはない。役割ファイルのみが変えられる。
      change.none | Nothing: it is a group by its address. | なし(アドレスによりグループである)。
      outcome.text | {role}, confidence {confidence} | {role}(確度 {confidence})
      """)
}
