internal import Reporter

/// The texts of `renkei cluster status` in both languages; the outcomes of packets have those of the reports.
enum ClusterPhrases {
  // Tabular: key | English | Japanese. Every key has a full stop in it, as in `StatusPhrases`.
  static let rows = Phrases.rows(
    of: """
      cluster.well | The cluster is well. | クラスタは正常。
      cluster.wrong | {count} {count?thing is/things are} wrong: | 問題 {count} 件:
      title.streams | Streams | ストリーム
      title.collectors | Capture points | 捕捉点
      title.trackers | Trackers | トラッカ
      title.mergers | Mergers | マージャ
      title.balance | Packets, by {who} | パケット({who} による)
      title.refused | Refused messages | 拒否したメッセージ
      stream.name | Stream | ストリーム
      stream.messages | Messages | メッセージ
      stream.bytes | Size | 容量
      stream.share | Of max | 上限比
      stream.replicas | Replicas | 複製
      stream.leader | Leader | リーダー
      stream.behind | Behind | 遅れ
      member.name | Name | 名前
      member.host | Host | ホスト
      member.state | State | 状態
      member.lag | Lag | 遅延
      member.pending | Waiting | 待ち
      member.memory | Memory | メモリ
      collector.captured | Captured | 捕捉
      collector.sent | Records sent | 送信レコード
      collector.spool | Spool | スプール
      collector.disconnects | Disconnects | 切断
      tracker.shards | Shards | シャード
      tracker.sessions | Sessions | セッション
      tracker.takeovers | Takeovers | 引き継ぎ
      merger.commits | Commits | コミット
      merger.inPipeline | On the way | 処理中
      state.alive | alive | 動作中
      state.dead | dead | 停止
      state.ended | ended | 終了
      balance.captured | captured | 捕捉
      balance.mapped | in the map | マップ済み
      balance.inPipeline | on the way to it | 処理中
      balance.unaccounted | not accounted for | 未計上
      balance.line | {captured} = {mapped} in the map + {inPipeline} on the way + {reasons} with a reason | {captured} = マップ済み {mapped} + 処理中 {inPipeline} + 理由あり {reasons}
      refused.reason | Reason | 理由
      refused.who | Counted by | 計数元
      refused.count | Messages | メッセージ
      role.collector | collector | コレクタ
      role.tracker | tracker | トラッカ
      role.merger | merger | マージャ
      problem.unreachable | {detail} | NATS に到達できない:{detail}
      problem.noLayout | There is no layout: `renkei cluster init` makes it. | レイアウトがない(`renkei cluster init` で作成する)。
      problem.noLeader | {what} has no leader: a majority of its servers is missing. | {what} にリーダーがない(過半数のサーバーが不在)。
      problem.replicaLost | {what}: the replica on {detail} is behind or gone. | {what}:{detail} 上の複製が遅れているか、不在。
      problem.nearlyFull | {what} is full to {detail} %. | {what} の使用率が {detail} %。
      problem.dead | {what} on {detail} is dead: its entry does not change. | {what}({detail})は停止している(状態が更新されない)。
      problem.noProcess | No {what} runs. | 動作中の {what} がない。
      problem.says | {what}: {detail} | {what}:{detail}
      problem.noOwner | No tracker owns: shard {what}. | 担当トラッカのないシャード:{what}
      problem.unbalanced | {what}: {detail} packets are not accounted for. | {what}:未計上のパケット {detail}
      problem.refused | {what}: {detail} {detail?message/messages} refused. | {what}:メッセージ {detail} 件を拒否。
      problem.spooling | {what}: its spool is full to {detail} %. | {what}:スプールの使用率が {detail} %。
      problem.notPermitted | {what} ({detail}) | {what}({detail})
      problem.missing | Capture point {what}: {detail} {detail?record/records} never came. | 捕捉点 {what}:届かなかったレコード {detail} 件。
      """)
}
