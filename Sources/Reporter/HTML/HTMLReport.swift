struct HTMLReport {
  init(_ reporter: Reporter) throws {}
  func write(to out: inout ByteWriter) {}
}
