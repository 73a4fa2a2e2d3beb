internal import Reporter

/// The texts of `renkei status` in both languages; the outcomes of packets have those of the reports.
enum StatusPhrases {
  // Tabular: key | English | Japanese. Every key has a full stop in it, so that a test finds one that the
  // table lacks in the text.
  static let rows = Phrases.rows(
    of: """
      unit.starting | starting, for {time} | 起動中({time})
      unit.capturing | capturing, for {time} | キャプチャ中(稼働 {time})
      unit.draining | ending: what was captured is put into the map | 終了処理中(捕捉済みのパケットをマップへ反映)
      unit.process | process {pid} | プロセス {pid}
      unit.missing | The unit does not run: {what}. | ユニットは動作していない({what})。
      unit.ended | The unit does not run: it ended on {time} UTC. | ユニットは動作していない({time} UTC に終了)。
      unit.dead | The unit does not run: its process {pid} is gone without an end. Last status of {time} UTC: | ユニットは動作していない(プロセス {pid} は終了処理なしに消滅)。最後の状態({time} UTC):
      unit.stale | The unit hangs: its process {pid} is there, but wrote no status for {age}. Last status: | ユニットは応答していない(プロセス {pid} は存在するが、{age} の間、状態を書いていない)。最後の状態:
      title.processes | Processes | プロセス
      title.interfaces | Interfaces | インタフェース
      title.packets | Packets | パケット
      title.map | Map | マップ
      title.warnings | Warnings | 警告
      process.role | Process | プロセス
      process.pid | PID | PID
      process.state | State | 状態
      process.restarts | Restarts | 再起動
      process.rate | Items/s | 件/s
      process.ring | Ring | リング
      process.lag | Lag | 遅延
      process.memory | Memory | メモリ
      process.cpu | CPU | CPU
      process.lastEnd | {role} ended last: {how} | {role} の直近の終了: {how}
      state.running | running | 動作中
      state.restarting | restarting | 再起動中
      state.failed | failed | 失敗
      state.ended | ended | 終了
      state.up | up | 有効
      state.down | down | 無効
      state.missing | missing | 存在しない
      interface.name | Interface | インタフェース
      interface.state | State | 状態
      interface.packets | Packets | パケット
      interface.packetRate | Packets/s | パケット/s
      interface.bitRate | Bit rate | 速度
      interface.kernel | Lost: kernel | 破棄(カーネル)
      interface.ring | Lost: ring | 破棄(リング)
      interface.downs | Downs | 断
      packets.outcome | Outcome | 結果
      packets.count | Packets | パケット
      packets.share | Share | 割合
      map.what | What | 項目
      map.value | Value | 値
      packets.captured | captured | 捕捉
      packets.mapped | in the map | マップ済み
      packets.inPipeline | on the way to it | 処理中
      packets.unbalanced | not accounted for | 未計上
      map.store | Store | ストア
      map.storeText | {path}, {size} | {path}、{size}
      map.commit | Last commit | 最終コミット
      map.commitText | {age} ago, of {commits} | {age} 前(全 {commits} 回)
      map.commitNone | none yet | なし
      map.problem | Can't be kept | 保存不可
      map.setAside | Damaged, set aside | 破損のため退避
      map.links | Links | リンク
      map.sessions | Open sessions | 追跡中のセッション
      map.sessionsText | {open} of at most {max} | {open}(上限 {max})
      map.sessionsEarly | {open} of at most {max}; {early} exported early for want of room | {open}(上限 {max}、容量不足による早期出力 {early})
      map.clock | Clock steps | 時刻の飛び
      map.clockText | {steps}, the last {seconds} s on {time} UTC | {steps} 回(最後は {time} UTC に {seconds} 秒)
      """)
}
