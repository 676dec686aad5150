'use strict';
const graph = document.getElementById('graph');
const frames = [...graph.children].map((el) => ({
  el, left: +el.dataset.l, width: +el.dataset.w, top: el.style.top,
}));
function zoom(to) {
  for (const f of frames) {
    const around = f.left <= to.left && f.left + f.width >= to.left + to.width;
    const inside = f.left >= to.left && f.left + f.width <= to.left + to.width;
    const above = around && parseInt(f.top) < parseInt(to.top);
    f.el.classList.toggle('out', !inside && !above);
    f.el.classList.toggle('faded', above);
    f.el.style.left = (above ? 0 : (f.left - to.left) / to.width * 100) + '%';
    f.el.style.width = (above ? 100 : f.width / to.width * 100) + '%';
  }
}
graph.addEventListener('click', (e) => {
  const f = frames.find((f) => f.el === e.target);
  if (f) zoom(f);
});
document.addEventListener('keydown', (e) => { if (e.key === 'Escape') zoom(frames[0]); });
document.querySelector('input').addEventListener('input', (e) => {
  const word = e.target.value.toLowerCase();
  for (const f of frames) f.el.classList.toggle('found', word !== '' && f.el.textContent.toLowerCase().includes(word));
});
