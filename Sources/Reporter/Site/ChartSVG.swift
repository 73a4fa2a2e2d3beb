internal import ServiceMap

/// Traffic over time as a picture: what goes in above the line, what goes out below it, in bits per second.
struct ChartSVG {
  let chart: SiteChart
  let phrases: Phrases

  private static let width = 960
  private static let left = 76
  private static let right = 12
  private static let half = 78

  func write(to out: inout PageBytes) {
    let hasOut = !chart.bytesOut.isEmpty
    let height = (hasOut ? 2 : 1) * ChartSVG.half + 30
    guard let begin = chart.bounds.first, let end = chart.bounds.last, end > begin else { return }
    let rates = (chart.bytesIn + chart.bytesOut).indices.map { rate($0) }
    let most = ChartSVG.ceiling(rates.max() ?? 0)
    out.raw("<svg class=\"chart\" viewBox=\"0 0 \(ChartSVG.width) \(height)\" role=\"img\">")
    out.write("<title>")
    out.html(phrases[chart.title])
    out.write("</title>")
    let base = 8 + ChartSVG.half
    grid(most, base: base, hasOut: hasOut, to: &out)
    area(
      chart.bytesIn.indices.map(rate), most, base: base, up: true, class: "in", begin, end, to: &out
    )
    if hasOut {
      let rates = chart.bytesOut.indices.map { rate($0 + chart.bytesIn.count) }
      area(rates, most, base: base, up: false, class: "out", begin, end, to: &out)
    }
    times(begin, end, y: height - 6, to: &out)
    out.write("</svg>\n")
    if hasOut {
      out.write("<p class=\"legend\"><span class=\"key in\"></span> ")
      out.html(phrases["in"])
      out.write(" <span class=\"key out\"></span> ")
      out.html(phrases["out"])
      out.write("</p>\n")
    }
  }

  /// Bits per second of a bucket; those of what goes out follow those of what comes in.
  private func rate(_ index: Int) -> Double {
    let count = chart.bytesIn.count
    let bucket = index < count ? index : index - count
    let bytes = index < count ? chart.bytesIn[bucket] : chart.bytesOut[bucket]
    return Double(bytes) * 8 / Double(max(1, chart.bounds[bucket + 1] - chart.bounds[bucket]))
  }

  /// 1, 2 or 5 times a power of ten, not below `value`.
  private static func ceiling(_ value: Double) -> Double {
    var step = 1.0
    while step < value {
      if step * 2 >= value { return step * 2 }
      if step * 5 >= value { return step * 5 }
      step *= 10
    }
    return step
  }

  private func x(_ seconds: Int, _ begin: Int, _ end: Int) -> Int {
    let span = ChartSVG.width - ChartSVG.left - ChartSVG.right
    return ChartSVG.left + Int(Double(seconds - begin) / Double(end - begin) * Double(span) + 0.5)
  }

  private func area(
    _ rates: [Double], _ most: Double, base: Int, up: Bool, class style: StaticString, _ begin: Int,
    _ end: Int, to out: inout PageBytes
  ) {
    out.write("<path class=\"")
    out.write(style)
    out.raw("\" d=\"M\(x(begin, begin, end)) \(base)")
    for (bucket, rate) in rates.enumerated() {
      let length = Int(rate / most * Double(ChartSVG.half) + 0.5)
      out.raw("V\(up ? base - length : base + length)H\(x(chart.bounds[bucket + 1], begin, end))")
    }
    out.raw("V\(base)Z\"/>")
  }

  private func grid(_ most: Double, base: Int, hasOut: Bool, to out: inout PageBytes) {
    let lines = hasOut ? [1.0, 0.5, 0, -0.5, -1] : [1.0, 0.5, 0]
    for line in lines {
      let y = base - Int(line * Double(ChartSVG.half))
      out.raw(
        "<path class=\"\(line == 0 ? "axis" : "grid")\" d=\"M\(ChartSVG.left) \(y)H\(ChartSVG.width - ChartSVG.right)\"/>"
      )
      out.raw("<text x=\"\(ChartSVG.left - 6)\" y=\"\(y + 4)\" text-anchor=\"end\">")
      out.raw(line == 0 ? "0" : HumanUnits.bitsPerSecond(abs(line) * most))
      out.write("</text>")
    }
  }

  private func times(_ begin: Int, _ end: Int, y: Int, to out: inout PageBytes) {
    let steps = [
      60, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400,
      30 * 86_400, 90 * 86_400,
    ]
    let step = steps.first { (end - begin) / $0 <= 7 } ?? 365 * 86_400
    var at = (begin + step - 1) / step * step
    while at <= end {
      let text = CivilTime(ns: UInt64(max(0, at)) * 1_000_000_000).text
      let label = step >= 86_400 ? text.prefix(10) : text.dropFirst(11).prefix(5)
      let place = x(at, begin, end)
      out.raw("<path class=\"grid\" d=\"M\(place) 8V\(y - 14)\"/>")
      // Where the reader's clock is known, a script writes it.
      out.raw(
        "<text x=\"\(place)\" y=\"\(y)\" text-anchor=\"middle\" data-time=\"\(at)\" data-step=\"\(step)\">\(label)</text>"
      )
      at += step
    }
  }
}
