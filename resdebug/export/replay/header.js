// The head of the page: which pass, where in it, and what is wrong or missing.

function fillHeader(session, data) {
  const { net } = session;
  byId("network").replaceChildren(called(data.name));
  const loss = session.value(data.target);
  const value = loss?.numbers ? [" = ", datum(loss.numbers[0], plain(loss.numbers[0]))] : [];
  byId("about").replaceChildren(
    "target ",
    short(net, data.target),
    ...value,
    ` · ${data.dtype} · `,
    data.rule === "sum" ? "contributions are added (sum)" : `rule ${data.rule}: wrong on purpose`,
    ` · ${plural(net.all.length, "node")}`,
  );
  if (data.rule !== "sum") {
    const what = ARTICLES[data.rule] ?? "does not add contributions";
    byId("wrong").replaceChildren(
      make("strong", {}, `RULE ${data.rule.toUpperCase()}: wrong on purpose.`),
      ` It ${what}; they are to be added.`,
    );
    byId("wrong").hidden = false;
  }
  if (data.notes.length) {
    byId("notes").hidden = false;
    byId("notes").replaceChildren(
      "Not all is here: ",
      ...data.notes.flatMap((note, k) => [k ? "; " : "", called(note, "")]),
      ".",
    );
  }
  byId("answers-body").replaceChildren(
    ...ANSWERS.flatMap(([question, answer]) => [make("dt", {}, question), make("dd", {}, answer)]),
  );
  if (data.description) byId("description").replaceChildren(called(data.description, ""));
}

function paintHeader(session) {
  const total = session.timeline.length;
  byId("where").replaceChildren(
    make("span", { class: "now count" }, session.count ? `${session.count}… ` : ""),
    make("span", { class: "phase" }, session.inForwardPass ? "▸ forward" : "◂ reverse"),
    ` event ${grouped(session.position)}/${grouped(total)}`,
    session.stops.size ? ` · stops ${session.stops.size}` : "",
  );
  const bar = byId("progress");
  bar.max = total;
  bar.value = session.position;
}
