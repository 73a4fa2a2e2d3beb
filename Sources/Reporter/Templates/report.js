"use strict";
// The lists of the report. Everything foreign goes into the page as text nodes, never as HTML.
(() => {
  const byId = (id) => document.getElementById(id);
  const texts = JSON.parse(byId("texts").textContent);
  const initialLanguage = document.documentElement.lang;
  let language = initialLanguage;

  // ---- Texts and figures ------------------------------------------------------------------

  // {name} is the value, {name?one/many} the word that goes with it: see Phrases.swift.
  const fill = (text, values) =>
    values ? text.replace(/\{(\w+)(?:\?([^/}]*)\/([^}]*))?\}/g, (all, key, one, many) =>
      (!(key in values) ? all : one === undefined ? values[key]
        : String(values[key]) === "1" ? one : many)) : text;
  const t = (key, values) => fill(texts[language][key] ?? key, values);
  const count = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
  const significant = (value, whole) =>
    whole || value >= 99.95 ? count(value) : value.toFixed(value >= 9.995 ? 1 : 2);
  const bytes = (value) => {
    let power = 0;
    while (value >= 999.5 && power < 6) { value /= 1000; power += 1; }
    return significant(value, power === 0) + " " + ["", "k", "M", "G", "T", "P", "E"][power] + "B";
  };
  const micros = (value) =>
    value >= 1e6 ? significant(value / 1e6) + " s"
      : value >= 1000 ? significant(value / 1000) + " ms" : count(value) + " µs";

  // ---- The map: see PageData.swift --------------------------------------------------------

  const data = JSON.parse(byId("data").textContent);
  // Within a day the date is in the head of the page.
  const time = (ms) =>
    new Date(ms).toISOString().slice(data.end - data.start < 86400000 ? 11 : 0, -1)
      .replace("T", " ");
  const digits = new Uint8Array(128);
  for (let i = 0; i < 64; i++) {
    digits["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".charCodeAt(i)] = i;
  }
  const decode = (text) => {
    let at = 0;
    const next = () => {
      let value = 0, scale = 1, digit;
      do {
        digit = digits[text.charCodeAt(at++)];
        value += (digit & 31) * scale;
        scale *= 32;
      } while (digit > 31);
      return value;
    };
    next.more = () => at < text.length;
    return next;
  };

  const hostCount = data.addresses.length;
  const hosts = [];
  {
    const next = decode(data.hosts);
    for (let i = 0, network = 0; i < hostCount; i++) {
      network += next();
      const flags = next();
      hosts.push({
        id: i, network, active: (flags & 1) !== 0, group: (flags & 2) !== 0,
        packetsOut: next(), packetsIn: next(), bytesOut: next(), bytesIn: next(),
        provides: [], requests: 0, clients: 0,
      });
    }
  }
  // One literal, so that all rows have one shape.
  const counters = (next, service, server, key, more, client, clientPort) => {
    const role = next(), failed = role & 1;
    return {
      service, server, key, more, client, clientPort, role: role >> 1, sessions: next(),
      refused: failed ? next() : 0, unanswered: failed ? next() : 0,
      packetsTo: next(), packetsFrom: next(), bytesTo: next(), bytesFrom: next(),
    };
  };
  // Written out: by a list of names it takes four times as long.
  const add = (total, row) => {
    total.sessions += row.sessions;
    total.refused += row.refused;
    total.unanswered += row.unanswered;
    total.packetsTo += row.packetsTo;
    total.packetsFrom += row.packetsFrom;
    total.bytesTo += row.bytesTo;
    total.bytesFrom += row.bytesFrom;
  };
  const nothing = {
    sessions: 0, refused: 0, unanswered: 0, packetsTo: 0, packetsFrom: 0, bytesTo: 0, bytesFrom: 0,
  };
  const pairs = [];
  const services = [];
  {
    const next = decode(data.services);
    const row = decode(data.relations);
    for (let server = 0; next.more();) {
      server += next();
      const key = next() * 65536 + next();
      const service = {
        id: services.length, server, key, first: pairs.length, rows: next(),
        firstMs: data.start + next(), spanMs: next(), roundTrip: next() - 1, hidden: next(),
        role: next(), ...nothing,
      };
      service.clients = service.rows - (service.hidden ? 1 : 0) + service.hidden;
      for (let i = 0, client = 0; i < service.rows; i++) {
        client += row();
        const pair = counters(row, service.id, server, key, 0, client, 0);
        pairs.push(pair);
        add(service, pair);
        if (client < hostCount) hosts[client].requests += 1;
      }
      hosts[server].provides.push(service.id);
      services.push(service);
    }
  }
  // Distinct clients of all services of a host.
  {
    const seen = new Int32Array(hostCount).fill(-1);
    for (const host of hosts) {
      for (const id of host.provides) {
        const service = services[id];
        host.clients += service.hidden;
        for (let i = service.first; i < service.first + service.rows; i++) {
          const client = pairs[i].client;
          if (client < hostCount && seen[client] !== host.id) {
            seen[client] = host.id;
            host.clients += 1;
          }
        }
      }
    }
  }
  const rest = data.rest.map((text) => {
    const next = decode(text);
    const rows = [];
    for (let server = 0; next.more();) {
      server += next();
      const number = next(), port = next(), more = port % 2 ? next() : 0;
      rows.push(counters(next, -1, server, number * 65536 + (port >> 1), more, next(), next()));
    }
    return rows;
  });
  const [failed, groups, undecided, notices] = rest;
  const addressIndex = new Map(data.addresses.map((address, i) => [address, i]));
  const endpoint = (key) => data.endpoints[key][0];
  const serviceName = (key) => data.endpoints[key][1];
  const label = (key) => serviceName(key) || endpoint(key);
  const nameOf = (host) => data.names[host] ?? "";

  // ---- Elements ---------------------------------------------------------------------------

  const element = (tag, properties, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (key === "class") node.className = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value !== null && value !== undefined) node.setAttribute(key, value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  };
  const hash = (values) => {
    const all = language === initialLanguage ? values : { ...values, lang: language };
    return "#" + Object.entries(all).filter(([, value]) => value)
      .map(([key, value]) => key + "=" + encodeURIComponent(value).replace(/%2F/g, "/").replace(/%3A/g, ":"))
      .join("&");
  };
  const hostCell = (host) => {
    if (host >= hostCount) return [];
    const name = nameOf(host);
    return [
      element("a", { href: hash({ host: data.addresses[host] }) }, data.addresses[host]),
      name ? " " : null, name ? element("span", { class: "name" }, name) : null,
    ];
  };
  const serviceCell = (key) => [
    element("a", { href: hash({ service: endpoint(key) }) }, label(key)),
  ];
  const level = (value) =>
    value >= 0.98 ? "certain" : value >= 0.9 ? "veryLikely" : value >= 0.75 ? "likely" : "weak";
  // Rounded down: 0.999 is not 1.
  const hundredths = (value) => (Math.floor(value * 100 + 1e-6) / 100).toFixed(2);
  const meter = (value) => element("span", {
    class: "meter " + level(value), "aria-hidden": "true",
    style: `--c:${Math.max(0, Math.round(hundredths(value) * 200 - 100))}%`,
  });
  const roleCell = (role) => {
    const [kind, basis, value] = data.roles[role];
    const peer = kind === "peer" ? t("kind.peer") + ", " : "";
    return [meter(value), ` ${hundredths(value)} ${peer}${t("level." + level(value))} `,
      element("span", { class: "quiet" }, `(${t("basis." + basis)})`)];
  };
  // What shows all the evidence; null in protocols without ports. PageTables.swift makes the same.
  const whyCommand = (row) => {
    const name = endpoint(row.key).split("/")[0], address = data.addresses[row.server];
    if (!["tcp", "udp", "dccp", "sctp", "udplite"].includes(name)) return null;
    const place = `:${row.key % 65536}/${name}`;
    return `renkei why ${address.includes(":") ? `'[${address}]${place}'` : address + place}`
      + " --store map.db";
  };

  // ---- Tables -----------------------------------------------------------------------------

  const text = (key, cell, more) => ({ key, cell, sort: cell, ...more });
  const number = (key, value, show, more) => ({
    key, class: "n", descending: true, sort: value, cell: (row) => (show ?? count)(value(row)),
    ...more,
  });
  const chunk = 200;

  /// A sortable table that renders `chunk` rows at a time, more as they come into view.
  ///
  /// columns: {key, cell(row) → text or nodes, sort(row) → number or text, class, descending}
  /// options: rows, columns, haystack(row) for the search, sort (key, "-key" descending),
  /// detail(row) → node under the row, hidden: rows that the page does not hold.
  const table = (options) => {
    const { rows, columns } = options;
    const body = element("tbody");
    const status = element("span", { class: "quiet", "aria-live": "polite" });
    const more = element("button", { type: "button", class: "more" });
    let order = rows, shown = 0, sortKey = "", descending = false, haystacks = null;
    let found = rows.length;

    const headings = columns.map((column) => {
      const button = element("button", { type: "button" }, t(column.key));
      button.addEventListener("click", () => {
        const again = sortKey === column.key;
        sort(column.key, again ? !descending : column.descending === true);
        options.onsort?.((descending ? "-" : "") + sortKey);
      });
      return element("th", { scope: "col", class: column.class ?? "" }, button);
    });
    const renderRow = (row) => {
      const cells = columns.map((column, i) => {
        const content = [column.cell(row)].flat();
        return element(i === 0 ? "th" : "td",
          { scope: i === 0 ? "row" : null, class: column.class ?? "" }, ...content);
      });
      return element("tr", {}, ...cells);
    };
    const render = (upTo) => {
      const fragment = document.createDocumentFragment();
      const end = Math.min(upTo, order.length);
      for (; shown < end; shown++) fragment.append(renderRow(order[shown]));
      body.append(fragment);
      more.hidden = shown >= order.length;
      more.textContent = t("rows.more", { count: count(order.length - shown) });
    };
    const restart = () => {
      body.replaceChildren();
      shown = 0;
      if (order.length === 0) {
        const key = rows.length ? "rows.noMatch" : "rows.none";
        body.append(element("tr", {},
          element("td", { class: "quiet", colspan: columns.length }, t(key))));
      }
      render(chunk);
      status.textContent = found === rows.length ? t("rows.count", { count: count(found) })
        : t("rows.found", { count: count(rows.length), found: count(found) });
    };
    const sort = (key, isDescending) => {
      const column = columns.find((one) => one.key === key);
      if (!column) return;
      sortKey = key;
      descending = isDescending;
      columns.forEach((one, i) => {
        if (one === column) {
          headings[i].setAttribute("aria-sort", descending ? "descending" : "ascending");
        } else headings[i].removeAttribute("aria-sort");
      });
      order = sorted(order, column.sort, descending);
      restart();
    };
    const filter = (query) => {
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      if (words.length && options.haystack) {
        haystacks ??= rows.map((row) => options.haystack(row).toLowerCase());
        order = rows.filter((_, i) => words.every((word) => haystacks[i].includes(word)));
      } else order = rows.slice();
      found = order.length;
      const column = columns.find((one) => one.key === sortKey);
      if (column) order = sorted(order, column.sort, descending);
      restart();
    };
    more.addEventListener("click", () => render(shown + chunk));
    new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting) && shown < order.length) {
        render(shown + chunk);
      }
    }, { rootMargin: "600px" }).observe(more);

    const node = element("div", { class: "table" },
      options.quiet ? null : element("div", { class: "tools" }, status,
        options.hidden ? element("span", { class: "quiet" },
          t("rows.hidden", { count: count(options.hidden) })) : null),
      element("table", { class: "list rows", "aria-label": options.caption },
        element("colgroup", {}, ...columns.map((one) =>
          element("col", { class: one.width ?? one.class ?? "" }))),
        element("thead", {}, element("tr", {}, ...headings)), body),
      more);
    const wanted = options.sort ?? "";
    sort(wanted.replace(/^-/, ""), wanted.startsWith("-"));
    if (!sortKey) restart();
    return { node, filter, renderAll: (max) => render(max) };
  };

  /// Sorted by a key computed once a row; equal keys keep the order of the addresses.
  const sorted = (rows, key, descending) => {
    const sign = descending ? -1 : 1;
    const keyed = rows.map((row, i) => ({ row, i, key: key(row) }));
    keyed.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : a.i - b.i));
    return keyed.map((one) => one.row);
  };

  /// A button that opens `make()` in a row of its own under the button's row.
  const expander = (title, accessible, make, hint) => {
    let inner = null;
    const button = element("button", {
      type: "button", class: "plain", "aria-expanded": "false", "aria-label": accessible, title: hint,
    }, title);
    button.addEventListener("click", () => {
      const row = button.closest("tr");
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) inner.remove();
      else {
        inner = element("tr", { class: "inner" },
          element("td", { colspan: row.children.length }, make()));
        row.after(inner);
      }
    });
    return button;
  };
  // The role, and under it on demand why: in words, and how to see everything.
  const reasons = (row) => {
    const [, basis, value] = data.roles[row.role], command = whyCommand(row);
    return element("div", { class: "reasons" },
      element("p", {}, t("because." + basis)),
      element("p", {}, t("why.confidence", { confidence: hundredths(value) })),
      command && element("p", {}, element("span", { class: "quiet" }, t("why.command")), " ",
        element("code", {}, command)));
  };

  // ---- Columns ----------------------------------------------------------------------------

  const hostColumn = (key, of) => ({
    key, cell: (row) => hostCell(of(row)), sort: of, width: "wide",
  });
  const serviceColumn = {
    key: "service", width: "port",
    // The name of the first of many ports would say too much.
    cell: (row) => (row.more ? "–" : serviceCell(row.key)),
    sort: (row) => label(row.key),
  };
  const portColumn = {
    key: "port", width: "port", sort: (row) => row.key,
    cell: (row) => (row.more
      ? t("ports", { port: endpoint(row.key), more: count(row.more) }) : endpoint(row.key)),
  };
  const sessionsColumn = number("sessions", (row) => row.sessions);
  const failedColumn = number("failed", (row) => row.refused + row.unanswered);
  const roleColumn = {
    key: "confidence", class: "role", descending: true, cell: (row) => roleCell(row.role),
    sort: (row) => data.roles[row.role][2],
  };
  const whyColumn = {
    ...roleColumn, cell: (row) => expander(roleCell(row.role), null, () => reasons(row), t("why")),
  };
  const likelierColumn = {
    key: "likelier", class: "role", descending: true, sort: (row) => data.roles[row.role][2],
    cell: (row) => {
      const value = data.roles[row.role][2], address = data.addresses[row.server];
      if (hundredths(value) <= 0.5) return t("likelier.neither");
      const host = row.key % 65536 === 0 || row.more ? address
        : `${address.includes(":") ? `[${address}]` : address}:${row.key % 65536}`;
      return [meter(value), ` ${hundredths(value)} ${host}`];
    },
  };
  // In and out from the server's or the client's own point of view.
  const serverTraffic = [
    number("in", (row) => row.bytesTo, bytes), number("out", (row) => row.bytesFrom, bytes),
  ];
  const clientTraffic = [
    number("in", (row) => row.bytesFrom, bytes), number("out", (row) => row.bytesTo, bytes),
  ];
  const packetsColumn = number("packets", (row) => row.packetsTo + row.packetsFrom);
  const bytesColumn = number("bytes", (row) => row.bytesTo + row.bytesFrom, bytes);
  const seenColumns = [
    number("firstSeen", (row) => row.firstMs, time, { class: "time" }),
    number("lastSeen", (row) => row.firstMs + row.spanMs, time, { class: "time" }),
  ];
  const roundTripColumn = number("roundTrip", (row) => row.roundTrip,
    (value) => (value < 0 ? "–" : micros(value)));

  const clientsOf = (service) => table({
    rows: pairs.slice(service.first, service.first + service.rows), sort: "-bytes", quiet: true,
    caption: t("clients"),
    columns: [
      {
        key: "client", width: "wide", sort: (pair) => pair.client,
        cell: (pair) => (pair.client < hostCount ? hostCell(pair.client)
          : t("otherClients", { count: count(service.hidden) })),
      },
      sessionsColumn, failedColumn, packetsColumn, bytesColumn, ...serverTraffic, roleColumn,
    ],
  }).node;
  const clientsColumn = number("clients", (service) => service.clients, null, {
    cell: (service) => expander(count(service.clients),
      t("clientsOf", { service: label(service.key), server: data.addresses[service.server] }),
      () => clientsOf(service)),
  });

  // ---- The picture of one host ------------------------------------------------------------

  const space = byId("graph").querySelector("svg").namespaceURI;
  const drawn = (tag, properties, ...children) => {
    const node = document.createElementNS(space, tag);
    for (const [key, value] of Object.entries(properties)) {
      if (value !== null) node.setAttribute(key, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  };
  const canvas = document.createElement("canvas").getContext("2d");
  const cut = (words, size, width) => {
    canvas.font = `${size}px system-ui, sans-serif`;
    // Controls and what turns the direction of writing; and no name is endless.
    let scalars = [...words.slice(0, 300)
      .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "\ufffd")];
    if (canvas.measureText(scalars.join("")).width <= width) return scalars.join("");
    while (scalars.length && canvas.measureText(scalars.join("") + "…").width > width) scalars.pop();
    return scalars.join("") + "…";
  };
  const aroundMax = 12;

  /// Clients left, the host, and whom it asks right; those with least bytes beyond `aroundMax` in one box.
  /// Nothing where it is alone.
  const aroundView = (id) => {
    const sides = [new Map(), new Map()];
    const gather = (row) => {
      const isServer = row.server === id, peer = isServer ? row.client : row.server;
      if (peer === id || (row.server !== id && row.client !== id)) return;
      const side = sides[isServer ? 0 : 1];
      let sum = side.get(peer);
      if (!sum) {
        sum = { peers: [peer], keys: new Map(), bytes: 0, sessions: 0, failed: 0, weighted: 0, weight: 0 };
        side.set(peer, sum);
      }
      const amount = row.bytesTo + row.bytesFrom;
      sum.bytes += amount;
      sum.sessions += row.sessions;
      sum.failed += row.refused + row.unanswered;
      sum.weighted += (amount + 1) * data.roles[row.role][2];
      sum.weight += amount + 1;
      sum.keys.set(row.key, (sum.keys.get(row.key) ?? 0) + amount);
    };
    for (const row of pairs) gather(row);
    for (const row of failed) gather(row);
    const boxes = sides.map((side) => {
      const all = [...side.values()].sort((a, b) => b.bytes - a.bytes || a.peers[0] - b.peers[0]);
      if (all.length <= aroundMax + 1) return all;
      const rest = all.splice(aroundMax);
      const joined = { ...rest[0], peers: rest.flatMap((one) => one.peers), keys: new Map(rest[0].keys) };
      for (const one of rest.slice(1)) {
        for (const key of ["bytes", "sessions", "failed", "weighted", "weight"]) joined[key] += one[key];
        for (const [key, value] of one.keys) joined.keys.set(key, (joined.keys.get(key) ?? 0) + value);
      }
      return [...all, joined];
    });
    if (!boxes[0].length && !boxes[1].length) return null;

    const width = 220, step = 50, boxHeight = 40, gap = 190;
    const rows = Math.max(boxes[0].length, boxes[1].length, 1);
    const columns = boxes.map((side) => side.length > 0);
    const middleX = columns[0] ? width + gap : 0;
    const size = { width: middleX + width + (columns[1] ? gap + width : 0) + 4, height: rows * step + 4 };
    const middleY = size.height / 2;
    const named = (host) => {
      const name = nameOf(host), address = data.addresses[host];
      return name ? [name, address] : [address, data.networks[hosts[host].network]];
    };
    const box = (x, y, lines, kind, title, link) => {
      const content = [drawn("title", {}, title),
        drawn("rect", { x, y: y - boxHeight / 2, width, height: boxHeight, rx: 4 }),
        drawn("text", { x: x + width / 2, y: y - 3 }, cut(lines[0], 12, width - 16)),
        drawn("text", { x: x + width / 2, y: y + 12, class: "sub" }, cut(lines[1], 10.5, width - 16))];
      return drawn("g", { class: "graph-node " + kind },
        ...(link ? [drawn("a", { href: link }, ...content)] : content));
    };
    const edges = [], nodes = [];
    boxes.forEach((side, right) => side.forEach((sum, i) => {
      const y = middleY + (i - (side.length - 1) / 2) * step;
      const x = right ? middleX + width + gap : 2;
      const hidden = sum.peers.reduce((total, peer) => total + (peer < hostCount ? 1
        : services.filter((one) => one.server === id).reduce((n, one) => n + one.hidden, 0)), 0);
      const alone = sum.peers.length === 1 && sum.peers[0] < hostCount;
      const lines = alone ? named(sum.peers[0])
        : [t(right ? "graph.moreServers" : "graph.moreClients", { count: count(hidden) }), bytes(sum.bytes)];
      const keys = [...sum.keys].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([key]) => key);
      const shown = label(keys[0]) + (keys.length > 1 ? " " + t("graph.more", { count: count(keys.length - 1) }) : "");
      const confidence = sum.weighted / sum.weight, failing = sum.failed > 0 && sum.failed * 10 >= sum.sessions;
      const title = [lines[0], keys.slice(0, 6).map((key) => endpoint(key) + " " + serviceName(key)).join(", "),
        t("graph.traffic", { bytes: bytes(sum.bytes), sessions: count(sum.sessions) }),
        sum.failed ? t("graph.failed", { count: count(sum.failed),
          share: significant(sum.failed * 100 / sum.sessions) + " %" }) : "",
        `${t("confidence")} ${hundredths(confidence)}`].filter(Boolean).join("\n");
      nodes.push(box(x, y, lines, alone ? "host" : "clients", title,
        alone ? hash({ host: data.addresses[sum.peers[0]] }) : null));
      const head = 8, from = right ? middleX + width : x + width, to = (right ? x : middleX) - head;
      const start = right ? middleY : y, end = right ? y : middleY, half = (to - from) / 2;
      const line = `M${from},${start}C${from + half},${start} ${to - half},${end} ${to},${end}`;
      const stroke = (1 + Math.max(0, Math.min(30, Math.floor(Math.log2(sum.bytes + 1)) - 9)) / 5).toFixed(1);
      const sure = confidence >= 0.98 ? "sure" : confidence >= 0.9 ? "likely" : "weak";
      edges.push(drawn("g", { class: `graph-edge ${sure}${failing ? " fail" : ""}` },
        drawn("title", {}, title),
        drawn("path", { class: "line", d: line, "stroke-width": stroke,
          "marker-end": `url(#around-${failing ? "fail" : "plain"})` }),
        drawn("path", { class: "hit", d: line }),
        drawn("text", { x: right ? to - 60 : from + 60, y: y - 4 },
          (failing ? "✕ " : "") + cut(shown, 10.5, 125))));
    }));
    nodes.push(box(middleX, middleY, named(id), "host focus", data.addresses[id], null));
    return element("figure", { class: "graphbox" }, drawn("svg", {
      class: "graph", width: size.width, height: size.height, role: "group",
      viewBox: `0 0 ${size.width} ${size.height}`, "aria-label": t("graph.around"),
    }, drawn("defs", {}, ...["plain", "fail"].map((kind) => drawn("marker", {
      id: "around-" + kind, viewBox: "0 0 8 8", refX: 0, refY: 4, markerWidth: 8, markerHeight: 8,
      markerUnits: "userSpaceOnUse", orient: "auto",
    }, drawn("path", { class: "graph-head " + kind, d: "M0,0L8,4L0,8z" })))),
    drawn("g", {}, ...edges), drawn("g", {}, ...nodes)));
  };

  // ---- Views ------------------------------------------------------------------------------

  const networkOf = (host) => (host < hostCount ? data.networks[hosts[host].network] : "");
  const search = (row) => [
    data.addresses[row.server], nameOf(row.server), data.addresses[row.client] ?? "",
    nameOf(row.client), endpoint(row.key), serviceName(row.key), networkOf(row.server),
    networkOf(row.client),
  ].join(" ");
  const hostText = (host) => [
    data.addresses[host.id], nameOf(host.id), data.networks[host.network],
    ...host.provides.map((id) => endpoint(services[id].key) + " " + serviceName(services[id].key)),
  ].join(" ");
  const provided = (host) => {
    const names = [...new Set(host.provides.map((id) => label(services[id].key)))];
    return names.slice(0, 4).join(", ") + (names.length > 4 ? ` +${names.length - 4}` : "");
  };
  const active = hosts.filter((host) => host.active);
  const byPort = new Map();
  for (const service of services) {
    let row = byPort.get(service.key);
    if (!row) {
      row = { key: service.key, ids: [], clients: 0, ...nothing };
      byPort.set(service.key, row);
    }
    row.ids.push(service.id);
    row.clients += service.clients;
    add(row, service);
  }

  const networkRows = data.networks.map((name, id) => ({
    id, name, hosts: [], servers: 0, services: 0, requests: 0, bytesIn: 0, bytesOut: 0,
  }));
  for (const host of active) {
    const row = networkRows[host.network];
    row.hosts.push(host);
    row.servers += host.provides.length ? 1 : 0;
    row.services += host.provides.length;
    row.requests += host.requests;
    row.bytesIn += host.bytesIn;
    row.bytesOut += host.bytesOut;
  }
  const networks = networkRows.filter((row) => row.hosts.length);
  const hostsOf = (network) => table({
    rows: network.hosts, quiet: true, sort: "-clients", caption: t("hosts"),
    columns: views.hosts().columns.filter((column) => column.key !== "network"),
  }).node;

  const views = {
    hosts: (sort) => ({
      rows: active, sort: sort ?? "-clients", haystack: hostText, columns: [
        { key: "address", width: "address", sort: (host) => host.id,
          cell: (host) => element("a", { href: hash({ host: data.addresses[host.id] }) },
            data.addresses[host.id]) },
        { ...text("name", (host) => nameOf(host.id)), width: "name",
          cell: (host) => element("span", { class: "name" }, nameOf(host.id)) },
        { key: "network", width: "address", sort: (host) => host.network,
          cell: (host) => data.networks[host.network] },
        { key: "provides", width: "wide", descending: true, sort: (host) => host.provides.length,
          cell: provided },
        number("services", (host) => host.provides.length),
        number("clients", (host) => host.clients),
        number("requests", (host) => host.requests),
        number("in", (host) => host.bytesIn, bytes),
        number("out", (host) => host.bytesOut, bytes),
      ],
    }),
    services: (sort) => ({
      note: "servicesNote", rows: [...byPort.values()], sort: sort ?? "-relations",
      haystack: (row) => endpoint(row.key) + " " + serviceName(row.key) + " "
        + row.ids.map((id) => data.addresses[services[id].server] + " "
          + nameOf(services[id].server)).join(" "),
      columns: [
        { ...serviceColumn, width: "" }, portColumn, number("providers", (row) => row.ids.length),
        number("relations", (row) => row.clients), sessionsColumn, failedColumn, packetsColumn,
        ...serverTraffic,
      ],
    }),
    relations: (sort) => ({
      note: "relationsNote", rows: pairs, sort: sort ?? "-bytes", haystack: search, columns: [
        {
          ...hostColumn("client", (row) => row.client),
          cell: (row) => (row.client < hostCount ? hostCell(row.client)
            : t("otherClients", { count: count(services[row.service].hidden) })),
        },
        hostColumn("server", (row) => row.server), serviceColumn, portColumn, sessionsColumn,
        failedColumn, packetsColumn, bytesColumn, roleColumn,
      ],
    }),
    networks: (sort) => ({
      note: "graph.networksNote", rows: networks, sort: sort ?? "-in",
      haystack: (row) => row.name, columns: [
        { key: "network", sort: (row) => row.id, width: "wide",
          cell: (row) => element("a", { href: hash({ view: "hosts", q: row.name }) }, row.name) },
        number("hosts", (row) => row.hosts.length, null, {
          cell: (row) => expander(count(row.hosts.length), `${t("hosts")}: ${row.name}`,
            () => hostsOf(row)),
        }),
        number("servers", (row) => row.servers), number("services", (row) => row.services),
        number("requests", (row) => row.requests),
        number("in", (row) => row.bytesIn, bytes), number("out", (row) => row.bytesOut, bytes),
      ],
    }),
    failures: (sort) => ({
      note: "failuresNote", rows: failed, hidden: data.restHidden[0], sort: sort ?? "-sessions",
      haystack: search, columns: [
        hostColumn("client", (row) => row.client), hostColumn("server", (row) => row.server),
        serviceColumn, portColumn, sessionsColumn, number("refused", (row) => row.refused),
        number("unanswered", (row) => row.unanswered), packetsColumn, bytesColumn,
      ],
    }),
    groups: (sort) => ({
      note: "groupsNote", rows: groups, hidden: data.restHidden[1], sort: sort ?? "-bytes",
      haystack: search, columns: [
        hostColumn("group", (row) => row.server), hostColumn("sender", (row) => row.client),
        serviceColumn, portColumn, sessionsColumn, packetsColumn, bytesColumn,
      ],
    }),
    undecided: (sort) => ({
      note: "undecidedNote", rows: undecided, hidden: data.restHidden[2], sort: sort ?? "-bytes",
      haystack: (row) => search(row) + " " + row.clientPort, columns: undecidedColumns,
    }),
    notices: (sort) => ({
      note: "noticesNote", rows: notices, hidden: data.restHidden[3], sort: sort ?? "-packets",
      haystack: search, columns: noticeColumns,
    }),
  };
  const undecidedColumns = [
    hostColumn("sideA", (row) => row.server),
    { ...portColumn, key: "portA" }, hostColumn("sideB", (row) => row.client),
    { key: "portB", width: "port", cell: (row) => String(row.clientPort || "–"),
      sort: (row) => row.clientPort }, sessionsColumn, packetsColumn,
    number("aToB", (row) => row.bytesFrom, bytes), number("bToA", (row) => row.bytesTo, bytes),
    likelierColumn,
  ];
  const noticeColumns = [
    hostColumn("sideA", (row) => row.server), hostColumn("sideB", (row) => row.client),
    { ...serviceColumn, key: "type", cell: (row) => label(row.key) }, portColumn, packetsColumn,
    number("aToB", (row) => row.packetsFrom), number("bToA", (row) => row.packetsTo), bytesColumn,
  ];

  const part = (title, amount, note, content) => element("section", { class: "part" },
    element("h3", {}, title, " ", element("span", { class: "badge" }, count(amount))),
    note ? element("p", { class: "quiet" }, note) : null, content);

  /// Everything about one host.
  const hostView = (address) => {
    const id = addressIndex.get(address);
    const back = element("p", { class: "back" }, element("a", { href: hash({ view: "hosts" }) },
      "‹ " + t("allHosts")));
    if (id === undefined) return [back, element("p", {}, t("hostUnknown", { address }))];
    const host = hosts[id];
    const used = pairs.filter((pair) => pair.client === id);
    const of = (rows) => rows.filter((row) => row.server === id || row.client === id);
    const parts = [
      back,
      element("h2", {}, address, " ", element("span", { class: "name" }, nameOf(id))),
      element("dl", { class: "source hostfacts" },
        ...[["network", data.networks[host.network]],
          ["in", `${t("packetsUnit", { count: count(host.packetsIn) })}, ${bytes(host.bytesIn)}`],
          ["out", `${t("packetsUnit", { count: count(host.packetsOut) })}, ${bytes(host.bytesOut)}`],
        ].map(([key, value]) => element("div", {}, element("dt", {}, t(key)),
          element("dd", {}, value))),
        host.group ? element("div", {}, element("dd", {}, t("isGroup")))
          : host.active ? null : element("div", {}, element("dd", {}, t("isSilent")))),
    ];
    const around = aroundView(id);
    if (around) {
      parts.push(element("section", { class: "part" }, element("h3", {}, t("graph.around")),
        element("p", { class: "quiet" }, t("graph.aroundNote")), around));
    }
    if (!host.group) {
      parts.push(
        part(t("provides"), host.provides.length, t("providesNote"), table({
          rows: host.provides.map((one) => services[one]), quiet: true, caption: t("provides"), sort: "-clients", columns: [
            serviceColumn, portColumn, clientsColumn, sessionsColumn, failedColumn,
            ...serverTraffic, roundTripColumn, whyColumn, ...seenColumns,
          ],
        }).node),
        part(t("requests"), used.length, t("requestsNote"), table({
          rows: used, quiet: true, sort: "-bytes", caption: t("requests"), columns: [
            serviceColumn, portColumn, hostColumn("server", (row) => row.server), sessionsColumn,
            failedColumn, packetsColumn, ...clientTraffic, whyColumn,
          ],
        }).node));
    }
    const direction = {
      key: "direction", width: "port", sort: (row) => (row.client === id ? 0 : 1),
      cell: (row) => t(row.client === id ? "asClient" : "asServer"),
    };
    const listed = [
      ["failures", failed, [direction, ...views.failures().columns]],
      ["undecided", undecided, undecidedColumns],
      ["groups", groups, views.groups().columns],
      ["notices", notices, noticeColumns],
    ];
    for (const [key, rows, columns] of listed) {
      const own = of(rows);
      if (own.length) {
        parts.push(part(t(key), own.length, t(key + "Note"),
          table({ rows: own, columns, quiet: true, sort: "-packets", caption: t(key) }).node));
      }
    }
    return parts;
  };

  /// One service: its providers, and their clients.
  const serviceView = (name) => {
    const row = [...byPort.values()].find((one) => endpoint(one.key) === name);
    const back = element("p", { class: "back" }, element("a", { href: hash({ view: "services" }) },
      "‹ " + t("allServices")));
    const title = row && serviceName(row.key);
    const parts = [back, element("h2", {}, title || name, " ",
      element("span", { class: "name" }, title ? name : ""))];
    const key = Number(Object.keys(data.endpoints).find((one) => endpoint(one) === name) ?? -1);
    if (row) {
      const list = table({
        rows: row.ids.map((id) => services[id]), sort: "-clients", caption: t("providers"),
        haystack: (service) => data.addresses[service.server] + " " + nameOf(service.server),
        columns: [
          hostColumn("server", (service) => service.server), clientsColumn, sessionsColumn,
          failedColumn, packetsColumn, ...serverTraffic, roundTripColumn, whyColumn,
          ...seenColumns,
        ],
      });
      current = list;
      parts.push(part(t("providers"), row.ids.length, null, list.node));
    } else parts.push(element("p", {}, t("serviceUnknown", { service: name })));
    const refused = failed.filter((one) => one.key === key);
    if (refused.length) {
      parts.push(part(t("failures"), refused.length, t("failuresNote"),
        table({ rows: refused, quiet: true, sort: "-sessions", caption: t("failures"),
          columns: views.failures().columns }).node));
    }
    return parts;
  };

  // ---- Where we are: everything is in the address, so that a view can be shared ------------

  let current = null;
  let place = {};
  const read = () => Object.fromEntries(
    location.hash.slice(1).split("&").filter(Boolean).map((pair) => {
      const at = pair.indexOf("=");
      let value = pair.slice(at + 1).replace(/\+/g, " ");
      try { value = decodeURIComponent(value); } catch { /* as it is */ }
      return at < 0 ? [pair, ""] : [pair.slice(0, at), value];
    }));

  const translate = () => {
    document.documentElement.lang = language;
    const values = (node) => Object.fromEntries(Object.entries(node.dataset)
      .filter(([key]) => /^v[A-Z]/.test(key))
      .map(([key, value]) => [key[1].toLowerCase() + key.slice(2), value]));
    for (const node of document.querySelectorAll("[data-t]")) {
      node.textContent = t(node.dataset.t, values(node));
    }
    for (const node of document.querySelectorAll("[data-t-title]")) {
      node.title = t(node.dataset.tTitle);
    }
    for (const node of document.querySelectorAll("[data-t-label]")) {
      node.setAttribute("aria-label", t(node.dataset.tLabel));
    }
    for (const node of document.querySelectorAll("[data-only]")) {
      node.hidden = node.dataset.only !== language;
    }
    byId("q").placeholder = t("filter.placeholder");
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
  };

  // Views that are in the page as it came.
  const fixed = ["overview", "graph", "accounting"];
  const route = () => {
    place = read();
    if (place.lang && texts[place.lang] && place.lang !== language) {
      language = place.lang;
      translate();
    } else if (!place.lang && language !== initialLanguage) {
      place.lang = language;
      history.replaceState(null, "", hash(place));
    }
    const view = place.host !== undefined ? "hosts" : place.service !== undefined ? "services"
      : place.view in views || fixed.includes(place.view) ? place.view
        : place.q ? "hosts" : "overview";
    place.view = place.host !== undefined || place.service !== undefined ? undefined : view;
    for (const link of document.querySelectorAll("[data-view]")) {
      if (link.dataset.view === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      link.href = hash({ view: link.dataset.view });
    }
    const lists = byId("lists");
    for (const one of fixed) byId(one).hidden = view !== one;
    lists.hidden = !(view in views);
    current = null;
    const input = byId("q");
    if (document.activeElement !== input) input.value = place.q ?? "";
    if (place.host !== undefined) lists.replaceChildren(...hostView(place.host));
    else if (place.service !== undefined) lists.replaceChildren(...serviceView(place.service));
    else if (view in views) {
      const options = views[view](place.sort);
      options.caption = t(view);
      options.onsort = (sort) => {
        place.sort = sort;
        history.replaceState(null, "", hash(place));
      };
      current = table(options);
      lists.replaceChildren(...[element("h2", {}, t(view)),
        options.note ? element("p", { class: "quiet" }, t(options.note)) : null, current.node,
      ].filter(Boolean));
    } else lists.replaceChildren();
    if (current && place.q) current.filter(place.q);
    document.title = [place.host ?? place.service ?? t(view), t("title")].join(" – ");
  };

  let typing = 0;
  byId("q").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      const q = byId("q").value;
      if (current) {
        place.q = q;
        history.replaceState(null, "", hash(place));
        current.filter(q);
      } else if (q) location.hash = hash({ view: "hosts", q });
    }, 80);
  });
  document.querySelector(".search").addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      language = button.dataset.language;
      translate();
      place.lang = undefined;
      const { lang, ...elsewhere } = place;
      history.replaceState(null, "", hash(elsewhere) || "#");
      route();
    });
  }
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      for (const picture of document.querySelectorAll("#graph .graphbox .graph")) {
        const whole = picture.viewBox.baseVal, box = picture.parentElement;
        const natural = whole.width;
        const factor = button.dataset.zoom === "fit" ? (box.clientWidth || natural) / natural
          : button.dataset.zoom === "1" ? 1
            : Number(picture.dataset.scale ?? 1) * Number(button.dataset.zoom);
        const scale = Math.min(6, Math.max(0.1, factor));
        picture.dataset.scale = scale;
        picture.setAttribute("width", Math.round(natural * scale));
        picture.setAttribute("height", Math.round(whole.height * scale));
      }
    });
  }
  // On paper there is nothing to scroll: what a reader can be expected to want, at once.
  window.addEventListener("beforeprint", () => current?.renderAll(2000));
  window.addEventListener("hashchange", () => {
    route();
    window.scrollTo(0, 0);
    if (document.activeElement !== byId("q")) byId("content").focus({ preventScroll: true });
  });
  for (const node of document.querySelectorAll("nav.views, .languages, .zoom")) node.hidden = false;
  const navigation = document.querySelector("nav.views");
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--nav", navigation.offsetHeight - 1 + "px");
  }).observe(navigation);
  translate();
  route();
})();
