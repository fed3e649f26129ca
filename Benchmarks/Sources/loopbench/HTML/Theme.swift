/// Colours and letters of pages and plots. Every colour has a contrast of 3 to 1 or more with its ground, and lines differ
/// by how they are broken too.
enum Theme {
    /// How many colours lines have.
    static let lineColours = 8
    /// How lines are broken, by turns.
    static let dashes = ["", "7 3", "2 2", "9 3 2 3"]

    private static let light = """
        --ground:#ffffff;--raised:#f6f8fa;--text:#1f2328;--muted:#59636e;--rule:#d1d9e0;\
        --ours:#0969da;--bare:#6e7781;--other:#bc4c00;\
        --l0:#0969da;--l1:#bc4c00;--l2:#1a7f37;--l3:#8250df;--l4:#bf3989;--l5:#0b7285;--l6:#7d4e00;--l7:#59636e
        """

    private static let dark = """
        --ground:#0d1117;--raised:#161b22;--text:#e6edf3;--muted:#9198a1;--rule:#3d444d;\
        --ours:#58a6ff;--bare:#8b949e;--other:#f0883e;\
        --l0:#58a6ff;--l1:#f0883e;--l2:#3fb950;--l3:#bc8cff;--l4:#f778ba;--l5:#39c5cf;--l6:#d4a72c;--l7:#9198a1
        """

    private static let plots: String = {
        let lines = (0..<lineColours).map { ".l\($0){stroke:var(--l\($0))}" }.joined()
        return """
            svg{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}\
            svg text{fill:var(--text)}svg .muted{fill:var(--muted);font-size:11px}svg .head{font-weight:600;font-size:13px}\
            .end{text-anchor:end}.middle{text-anchor:middle}\
            .ours{fill:var(--ours)}.bare{fill:var(--bare)}.other{fill:var(--other)}\
            .track{fill:var(--rule);opacity:.35}.grid{stroke:var(--rule);stroke-width:1}\
            .whisker{stroke:var(--text);stroke-width:1.5}\
            .line{fill:none;stroke-width:1.5;stroke-linejoin:round}.line.strong{stroke-width:3}\(lines)
            """
    }()

    /// For a drawing in a file of its own.
    static let standalone = """
        svg{\(light)}@media (prefers-color-scheme:dark){svg{\(dark)}}.ground{fill:var(--ground)}\(plots)
        """

    /// For a page.
    static let page = """
        :root{color-scheme:light dark;\(light)}@media (prefers-color-scheme:dark){:root{\(dark)}}\(plots)
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--text);\
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        main,header{max-width:76rem;margin:0 auto;padding:0 1rem}
        header{padding-top:1.5rem}h1{margin:0;font-size:1.6rem}h2{margin:0;font-size:1.2rem}
        h3{margin:1.5rem 0 .25rem;font-size:1rem}p{margin:.35rem 0;max-width:48rem}
        .quiet,figcaption,dt{color:var(--muted)}.quiet{font-size:.9rem}
        a{color:var(--ours)}code{font:.9em ui-monospace,SFMono-Regular,Menlo,monospace}
        nav ul{display:flex;flex-wrap:wrap;gap:.4rem;padding:0;margin:1rem 0;list-style:none}
        nav a{display:block;padding:.3rem .6rem;border:1px solid var(--rule);border-radius:1rem;font-size:.85rem;\
        text-decoration:none}
        section{margin:1.25rem 0;padding:1rem;background:var(--raised);border:1px solid var(--rule);border-radius:.5rem}
        .plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1.25rem;\
        margin:.75rem 0}
        figure{margin:0;min-width:0}figure svg{display:block;width:100%;max-width:28rem;height:auto}
        .scroll{overflow-x:auto;margin:.75rem 0;-webkit-overflow-scrolling:touch}
        table{border-collapse:separate;border-spacing:0;font-size:.85rem;font-variant-numeric:tabular-nums;white-space:nowrap}
        th,td{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:bottom}
        .ratios th{white-space:normal;min-width:4.2rem}.ratios th,.ratios td{padding-left:.35rem;padding-right:.35rem}
        #micro td:first-child{white-space:normal;min-width:8rem}
        th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--raised)}
        th{font-weight:600}td.even{color:var(--muted)}td.ours{color:var(--ours);font-weight:600}
        summary{cursor:pointer;color:var(--ours);padding:.25rem 0}
        .key{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;margin:.5rem 0;list-style:none;font-size:.9rem}
        .key span{display:inline-block;width:.8rem;height:.8rem;border-radius:.15rem;margin-right:.4rem}
        .key .ours{background:var(--ours)}.key .bare{background:var(--bare)}.key .other{background:var(--other)}
        .warning{border-left:.25rem solid var(--other);padding-left:.6rem}
        dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.15rem 1rem;margin:.5rem 0;font-size:.9rem}
        dd{margin:0;overflow-wrap:anywhere}
        @media (max-width:40rem){main,header{padding:0 .6rem}section{padding:.75rem .6rem}}
        @media print{section{break-inside:avoid}}
        """
}

/// Whose a contender is.
enum Kin: String {
    /// One of this library's loops.
    case ours
    /// C without a loop, the measure of what the kernel costs.
    case bare
    /// Everybody else.
    case other

    init(_ contender: String) {
        let loop = contender.prefix { $0 != "-" }
        let isOurs =
            ["", "-async", "-sock"].contains(contender.dropFirst(loop.count))
            && LoopKind(rawValue: String(loop)) != nil
        self = isOurs ? .ours : ["c-ring", "c-epoll", "c-ring-udp"].contains(contender) ? .bare : .other
    }
}
