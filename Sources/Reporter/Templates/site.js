"use strict";
// What the report service's pages do beyond reading, which works without: search as you type, tables in
// place, the reader's clock, renewal. Foreign text goes into the page as text nodes only; whole pages come from
// the service, which escapes them.
(() => {
  const byId = (id) => document.getElementById(id);
  const language = document.documentElement.lang;
  const keptTerms = () => {
    const kept = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (["lang", "range", "from", "to"].includes(name) && value) kept.set(name, value);
    }
    return kept;
  };

  // ---- The reader's clock -----------------------------------------------------------------

  const full = new Intl.DateTimeFormat(language, {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hourCycle: "h23",
  });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const localise = (root) => {
    for (const node of root.querySelectorAll("time[datetime]")) {
      const date = new Date(node.dateTime);
      if (isNaN(date)) continue;
      node.title = node.dateTime;
      node.textContent = full.format(date);
    }
    for (const node of root.querySelectorAll("text[data-time]")) {
      const date = new Date(Number(node.dataset.time) * 1000);
      node.textContent = date.toLocaleString(language, Number(node.dataset.step) >= 86400
        ? { month: "numeric", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    }
    for (const node of root.querySelectorAll(".zone")) node.textContent = zone;
  };

  // ---- Pages in place ---------------------------------------------------------------------

  let under = null;
  /// Takes the content of another page of the service; the rest of this one stays.
  const take = async (address, options) => {
    under?.abort();
    under = new AbortController();
    const old = byId("content");
    old.classList.add("stale");
    try {
      const answer = await fetch(address, { signal: under.signal, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const content = page.getElementById("content");
      if (!content) { location.href = address; return; }
      const open = [...old.querySelectorAll("details[open]")].map((node) => node.closest("section")?.id);
      localise(page);
      old.replaceChildren(...content.childNodes);
      for (const node of old.querySelectorAll("details")) {
        if (open.includes(node.closest("section")?.id) && open.length) node.open = true;
      }
      for (const part of [".views", ".span"]) {
        const [here, there] = [document.querySelector(part), page.querySelector(part)];
        if (here && there) here.replaceWith(there);
      }
      document.title = page.title;
      if (options.push) history.pushState(null, "", address);
      else if (options.replace) history.replaceState(null, "", address);
      attach(old);
      if (options.focus) old.querySelector(options.focus)?.focus();
    } catch (error) {
      if (error.name !== "AbortError" && !options.quiet) location.href = address;
    } finally {
      old.classList.remove("stale");
    }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.soft");
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const table = link.closest("section")?.id;
    const at = [...document.querySelectorAll(`#${CSS.escape(table ?? "content")} a.soft`)].indexOf(link);
    take(link.href, { push: true }).then(() => {
      document.querySelectorAll(`#${CSS.escape(table ?? "content")} a.soft`)[at]?.focus({ preventScroll: true });
    });
  });
  window.addEventListener("popstate", () => take(location.href, {}));

  // ---- A table's own search, as you type --------------------------------------------------

  let typing = 0;
  const attach = (root) => {
    for (const input of root.querySelectorAll("input.live")) {
      const form = input.form;
      const go = () => {
        const terms = new URLSearchParams(new FormData(form));
        if (!terms.get("q")) terms.delete("q");
        const address = location.pathname + (terms.size ? "?" + terms : "");
        const at = input.selectionStart;
        take(address, { replace: true }).then(() => {
          const next = document.querySelector("input.live");
          next?.focus({ preventScroll: true });
          next?.setSelectionRange(at, at);
        });
      };
      input.addEventListener("input", (event) => {
        clearTimeout(typing);
        if (!event.isComposing) typing = setTimeout(go, 180);
      });
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        clearTimeout(typing);
        go();
      });
    }
    for (const zooms of root.querySelectorAll(".zooms")) zoom(zooms, root.querySelector(".picture svg"));
  };

  // ---- The graph: larger and smaller; its parts are marked by the style sheet ----------------

  const zoom = (place, svg) => {
    if (!svg) return;
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const set = (scale) => {
      svg.setAttribute("width", width * scale);
      svg.setAttribute("height", height * scale);
    };
    const fit = () => Math.min(1, (svg.parentNode.clientWidth - 2) / width);
    let scale = Math.max(fit(), 0.6);
    for (const [text, next] of [["−", () => scale / 1.25], ["+", () => scale * 1.25], ["↔", fit], ["1:1", () => 1]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => { scale = Math.min(4, Math.max(0.1, next())); set(scale); });
      place.append(button);
    }
    place.hidden = false;
    set(scale);
  };

  // ---- Search everywhere, as you type -----------------------------------------------------

  const box = byId("q");
  if (box) {
    const list = document.createElement("ul");
    list.className = "suggestions";
    list.hidden = true;
    list.id = "suggestions";
    box.form.append(list);
    box.setAttribute("aria-controls", "suggestions");
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    let asking = null, waiting = 0;
    const show = (isShown) => {
      list.hidden = !isShown;
      box.setAttribute("aria-expanded", String(isShown));
    };
    const suggest = async () => {
      const words = box.value.trim();
      asking?.abort();
      if (!words) return show(false);
      asking = new AbortController();
      try {
        const terms = keptTerms();
        terms.set("q", words);
        const answer = await fetch("/search?" + terms, { signal: asking.signal });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        list.replaceChildren();
        for (const section of page.querySelectorAll("#content section.part")) {
          const kind = document.createElement("li");
          kind.className = "kind";
          kind.textContent = section.querySelector("h2").textContent;
          list.append(kind);
          for (const row of [...section.querySelectorAll("tbody tr")].slice(0, 4)) {
            const links = [...row.querySelectorAll("a")];
            const target = section.id === "relations" ? links.at(-1) : links[0];
            if (!target) continue;
            const link = document.createElement("a");
            link.href = target.getAttribute("href");
            const cells = [...row.children].slice(0, section.id === "relations" ? 3 : 1);
            link.textContent = cells.map((cell) => cell.textContent.trim()).join("  →  ");
            const item = document.createElement("li");
            item.append(link);
            list.append(item);
          }
        }
        show(list.children.length > 0);
      } catch (error) {
        if (error.name !== "AbortError") show(false);
      }
    };
    box.addEventListener("input", (event) => {
      clearTimeout(waiting);
      if (!event.isComposing) waiting = setTimeout(suggest, 150);
    });
    box.form.addEventListener("keydown", (event) => {
      const links = [...list.querySelectorAll("a")];
      const at = links.indexOf(document.activeElement);
      if (event.key === "Escape") { show(false); box.focus(); }
      else if (event.key === "ArrowDown" && !list.hidden) links[Math.min(at + 1, links.length - 1)]?.focus();
      else if (event.key === "ArrowUp" && at >= 0) (at === 0 ? box : links[at - 1]).focus();
      else return;
      event.preventDefault();
    });
    document.addEventListener("click", (event) => { if (!box.form.contains(event.target)) show(false); });
  }

  // ---- Renewal ----------------------------------------------------------------------------

  if (document.body.dataset.live) {
    const news = new EventSource("/events");
    let pending = false;
    const renew = () => {
      const active = document.activeElement;
      // Who types or marks text is not disturbed.
      if (document.hidden || active?.matches("input, select") || String(getSelection())) return;
      pending = false;
      take(location.href, { quiet: true });
      const note = byId("news");
      note.textContent = note.dataset.text;
      setTimeout(() => { note.textContent = ""; }, 4000);
    };
    news.addEventListener("map", () => { pending = true; renew(); });
    setInterval(() => { if (pending) renew(); }, 2000);
    window.addEventListener("pagehide", () => news.close());
  }

  localise(document);
  attach(document);
})();
