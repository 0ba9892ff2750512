// The page: commands in, panes painted.

const SLOWEST = 0.5,
  FASTEST = 64,
  MOST_COUNT = 1e6;

class App {
  constructor(data) {
    this.session = new Session(data);
    this.graph = new GraphPane(this.session, this);
    this.profile = new ProfilePane(this.session, this);
    this.speed = 2;
    this.playing = null;
    this.beforeSearch = 0;
    fillHeader(this.session, data);
    fillHelp();
    this.listen();
    this.readAddress();
    this.refresh();
  }

  listen() {
    document.addEventListener("keydown", (event) => this.key(event));
    for (const button of document.querySelectorAll("[data-key]")) {
      button.addEventListener("click", () => this.run(BY_KEY.get(button.dataset.key)));
    }
    const search = byId("search");
    search.addEventListener("input", () => this.search(search.value));
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      if (event.key === "Escape") this.session.select(this.beforeSearch);
      else
        this.tell([
          this.session.found.length ? `${this.session.found.length} found; , and . go through them` : "nothing found",
        ]);
      this.closeSearch();
      this.refresh();
    });
    window.addEventListener("hashchange", () => {
      this.readAddress();
      this.refresh();
    });
    let waiting = 0;
    window.addEventListener("resize", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.refresh(), 60);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.refresh());
  }

  readAddress() {
    const found = /^#(\d{1,9})$/.exec(location.hash);
    if (found) {
      this.session.jump(Number(found[1]));
      this.session.follow();
    }
  }

  writeAddress() {
    clearTimeout(this.addressing);
    this.addressing = setTimeout(() => {
      try {
        history.replaceState(null, "", `#${this.session.position}`);
      } catch {
        // some browsers do not allow it in local files
      }
    }, 400);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (byId("help").open) {
      if (event.key === "?" || event.key === "q") byId("help").close();
      return;
    }
    const { target } = event;
    if (target.closest("input")) return;
    const onControl = target.closest("button, summary, a") !== null;
    if (onControl && (event.key === "Enter" || event.key === " ")) return;
    const { session } = this;
    if (/^[0-9]$/.test(event.key) && (session.count || event.key !== "0")) {
      session.count = String(Math.min(Number(session.count + event.key), MOST_COUNT));
      paintHeader(this.session);
      return event.preventDefault();
    }
    const command = commandOf(event);
    if (!command) {
      if (event.key in ELSEWHERE)
        this.tell([`${event.key} is for ${ELSEWHERE[event.key]} in the debugger; this page replays a pass`]);
      return;
    }
    if (!command.run) return;
    const inPane = target.closest(".scrolls") !== null && target.closest("#graph") === null;
    if (inPane && command.action.startsWith("scroll")) return;
    event.preventDefault();
    this.run(command);
  }

  run(command) {
    const count = this.session.count ? Number(this.session.count) : null;
    this.session.count = "";
    const timed = command.group === "Time";
    if (timed && command.action !== "play" && !command.action.startsWith("speed")) this.stop();
    const before = this.session.position;
    command.run(this, this.session, count);
    if (timed && command.action !== "to_selection" && !command.action.startsWith("speed")) this.session.follow();
    if (this.session.position !== before) this.writeAddress();
    this.refresh();
  }

  // Move time, and let the selection follow unless it is to stay.
  act(move, { keep = false } = {}) {
    this.stop();
    const { selected } = this.session;
    move(this.session);
    if (keep) this.session.select(selected);
    else this.session.follow();
    this.writeAddress();
    this.refresh();
  }

  refresh() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  paint() {
    const { session } = this;
    paintHeader(this.session);
    byId("narration").replaceChildren(...narrate(session));
    this.graph.show();
    paintNode(session, this);
    paintLedger(session, this);
    paintTensor(session, this);
    this.profile.paint();
    document.documentElement.dataset.event = session.position;
  }

  tell(pieces) {
    const told = byId("told");
    told.replaceChildren(...pieces);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => told.replaceChildren(), 5000);
  }

  resume(reverse, times) {
    const { session } = this;
    for (let k = 0; k < Math.min(times, session.timeline.length); k++) {
      if (session.resume(reverse)) continue;
      const [kind, where] = [session.stops.size ? "stop" : "fork", reverse ? "start" : "end"];
      this.tell([`no further ${kind}: this is the ${where} of the pass`]);
      break;
    }
  }

  toSelection() {
    const { selected } = this.session;
    this.session.toNode(selected);
    this.session.select(selected);
  }

  play() {
    if (this.playing !== null) return this.stop();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      return this.tell(["motion is reduced by the settings: n steps, a count before it steps often"]);
    }
    const { session } = this;
    if (session.position >= session.timeline.length) session.jump(session.timeline.seeded);
    this.tell([`playing, ${this.speed} steps a second; space stops, + and - change the speed`]);
    this.playing = setInterval(() => {
      const before = session.position;
      session.step("node", 1);
      session.follow();
      if (session.position === before) this.stop();
      this.writeAddress();
      this.refresh();
    }, 1000 / this.speed);
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
  }

  faster(factor) {
    this.speed = clamp(this.speed * factor, SLOWEST, FASTEST);
    const on = this.playing !== null;
    this.stop();
    if (on) this.play();
    this.tell([`${this.speed} steps a second`]);
  }

  toggleStop() {
    const { stops, selected } = this.session;
    if (!stops.delete(selected)) stops.add(selected);
  }

  openSearch() {
    this.beforeSearch = this.session.selected;
    const search = byId("search");
    search.value = "";
    byId("search-line").hidden = false;
    search.focus();
  }

  closeSearch() {
    byId("search-line").hidden = true;
    byId("graph").focus();
  }

  // Select the node of this name, else the first match at or below the cursor, else where the search began.
  search(pattern) {
    const { session } = this;
    const { rowOf } = session.rows;
    session.found = session.matches(pattern);
    const exactly = session.found.find((node) => session.net.name(node) === pattern);
    const ahead = session.found.find((node) => rowOf[node] >= session.currentRow);
    session.select(exactly ?? ahead ?? session.found[0] ?? this.beforeSearch);
    byId("search-count").replaceChildren(`${session.found.length} found`);
    this.refresh();
  }

  nextFound(step) {
    const { session } = this;
    const { found } = session;
    if (!found.length) return;
    let here = found.indexOf(session.selected);
    if (here < 0) {
      const row = session.rows.rowOf[session.selected];
      const above = found.filter((node) => session.rows.rowOf[node] < row).length;
      here = step > 0 ? above - 1 : above;
    }
    session.select(found[modulo(here + step, found.length)]);
  }

  get shownTensor() {
    const views = this.session.views();
    return views[this.session.shownView(views)].tensor;
  }

  nextMode() {
    const { session } = this;
    session.mode = (MODES.indexOf(shownMode(session, this.shownTensor)) + 1) % MODES.length;
  }

  otherAxes() {
    const { session } = this;
    const choices = pairs(session.net.type(session.selected).shape.length).length;
    if (choices < 2) return this.tell(["a tensor of one or two axes has no other pair to show"]);
    if (!this.shownTensor?.numbers) return this.tell(["a map shows the last two axes"]);
    [session.axes, session.slice, session.pointed] = [(session.axes + 1) % choices, 0, null];
  }

  point(down, right) {
    const { session } = this;
    const tensor = this.shownTensor;
    if (!tensor || !tensor.size || !(tensor.numbers || tensor.map)) return;
    const plane = planeOf(tensor, session);
    const [row, column] = session.pointed ?? [-down, -right];
    session.pointed = [clamp(row + down, 0, plane.rows - 1), clamp(column + right, 0, plane.columns - 1)];
  }

  lockScale() {
    const { session } = this;
    const tensor = this.shownTensor;
    if (session.scale !== null || !tensor) {
      session.scale = null;
      return this.tell(["each heat map has its own scale"]);
    }
    const { minimum, maximum } = tensor.statistics;
    session.scale = Math.max(Math.abs(minimum), Math.abs(maximum));
    this.tell(["the heat map's scale is locked"]);
  }

  maximise() {
    const pane = document.activeElement.closest("section.pane") ?? byId("graph-pane");
    const on = !document.body.classList.contains("maximised");
    for (const other of document.querySelectorAll("section.pane"))
      other.classList.toggle("biggest", on && other === pane);
    document.body.classList.toggle("maximised", on);
  }

  widen(by) {
    this.width = clamp((this.width ?? 42) + 3 * by, 20, 75);
    byId("panes").style.setProperty("--graph", `${this.width}%`);
  }

  nextTheme() {
    const root = document.documentElement;
    const themes = ["system", "dark", "light"];
    const next = themes[(themes.indexOf(root.dataset.theme ?? "system") + 1) % themes.length];
    root.dataset.theme = next;
    this.tell([`theme: ${next === "system" ? "as the system says" : next}`]);
  }

  scroll(pages) {
    this.session.moveSelection(pages * Math.max(1, Math.floor(byId("graph").clientHeight / ROW) - 1));
  }

  copyNumbers() {
    const tensor = this.shownTensor;
    if (!tensor?.numbers) return this.tell(["this page does not have all the numbers of this tensor"]);
    const plane = planeOf(tensor, this.session);
    const rows = [];
    for (let i = 0; i < plane.rows; i++) {
      const row = [];
      for (let j = 0; j < plane.columns; j++) if (plane.at(i, j) !== undefined) row.push(String(plane.at(i, j)));
      rows.push(row.join(","));
    }
    const text = rows.join("\n") + "\n";
    const done = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    done.then(
      () => this.tell(["copied"]),
      () => this.tell(["this browser does not let a local page copy"]),
    );
  }

  openHelp() {
    byId("help").showModal();
  }
}

const data = JSON.parse(byId("data").textContent);
new App(data);
