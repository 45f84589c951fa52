"use strict";
{
  const cards = [...document.querySelectorAll(".card")];
  const search = document.getElementById("search");
  const selects = [...document.querySelectorAll("select[data-filter]")];
  const shown = document.getElementById("shown");
  const total = cards.length.toLocaleString("en");
  let waiting = 0;

  const filter = () => {
    waiting = 0;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter((select) => select.value !== "").map((select) => [select.dataset.filter, select.value]);
    let count = 0;
    for (const card of cards) {
      const fits =
        wanted.every(([name, value]) => card.dataset[name] === value) &&
        words.every((word) => card.dataset.text.includes(word));
      card.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count.toLocaleString("en")} of ${total}`;
  };
  const soon = () => {
    waiting = waiting || requestAnimationFrame(filter);
  };

  search.addEventListener("input", soon);
  for (const select of selects) select.addEventListener("change", soon);
  document.getElementById("reset").addEventListener("click", () => {
    search.value = "";
    for (const select of selects) select.value = "";
    filter();
    search.focus();
  });

  document.getElementById("cards").addEventListener("click", (event) => {
    const link = event.target.closest("a.shot");
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const stage = document.createElement("div");
    stage.className = "shot";
    const video = document.createElement("video");
    video.controls = true;
    video.autoplay = true;
    video.playsInline = true;
    video.src = link.href;
    video.setAttribute("aria-label", link.getAttribute("aria-label").replace(/^Play /, ""));
    video.addEventListener("error", () => {
      stage.textContent = "The video cannot be played from here.";
      stage.classList.add("none");
    });
    stage.append(video);
    link.replaceWith(stage);
    video.focus();
  });

  if (search.value !== "" || selects.some((select) => select.value !== "")) filter();
}
