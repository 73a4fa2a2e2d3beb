// Tabular: key | English | Japanese.
extension Phrases {
  /// What the service says instead of a page.
  static let serviceRows = rows(
    of: """
      refused.network | Your network is not allowed here. | このネットワークからの接続は許可されていません。
      refused.longTarget | The address is too long: 4096 bytes at most. | アドレスが長すぎます(最大 4096 バイト)。
      refused.body | Nothing is taken here: requests have no body. | リクエストボディは受け付けません。
      refused.method | Only GET and HEAD. | GET と HEAD のみ受け付けます。
      refused.host | A request has one Host. | Host ヘッダーは 1 つだけ必要です。
      refused.otherHost | This service answers for the loopback only. | このサービスはループバック宛のリクエストにのみ応答します。
      refused.malformedTarget | Not an address of this service. | このサービスのアドレスではありません。
      refused.malformed | Not an HTTP request. | HTTP リクエストではありません。
      refused.longHeader | The header is too large: 16 KiB and 64 fields at most. | ヘッダーが大きすぎます(最大 16 KiB、64 フィールド)。
      refused.anonymous | A name and a password are needed, or a token. | ユーザー名とパスワード、またはトークンが必要です。
      refused.credentials | The name, the password or the token is wrong. | ユーザー名、パスワード、またはトークンが正しくありません。
      refused.lockedOut | Too many wrong attempts; wait a minute. | 認証の失敗が多すぎます。1 分ほど待ってください。
      refused.busy | Too many people are logging in; try again in a second. | ログイン処理が混み合っています。少し待ってから再試行してください。
      refused.late | The answer takes too long; ask for less, or try again. | 応答に時間がかかりすぎています。範囲を狭めるか、再試行してください。
      refused.streams | Too many readers follow the map already. | 更新を受信している閲覧者が多すぎます。
      """)
}
