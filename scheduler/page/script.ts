/**
 * The only script. It reads the page again, and replaces the parts of it that have changed: an open cause stays open, the focus
 * stays where it is, and a text that is selected is left alone. Without it, the page is complete, and a reload shows what is new.
 */
export const script = `'use strict';
(() => {
  const everyMs = 5000;
  const status = document.getElementById('updates');
  const button = document.createElement('button');
  let isPaused = false;
  button.type = 'button';
  button.textContent = 'Pause updates';
  button.addEventListener('click', () => {
    isPaused = !isPaused;
    button.textContent = isPaused ? 'Continue updates' : 'Pause updates';
    if (!isPaused) void update();
  });
  status.before(button);
  setInterval(update, everyMs);
  document.addEventListener('visibilitychange', update);

  let isLoading = false;
  async function update() {
    if (isPaused || isLoading || document.hidden || isSelecting()) return;
    isLoading = true;
    try {
      apply(await load());
      say('');
    } catch {
      say('The page is not reachable: it is as old as its time says.');
    } finally {
      isLoading = false;
    }
  }

  function load() {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('GET', location.href);
      request.responseType = 'document';
      request.timeout = 15000;
      request.onload = () => (request.response?.getElementById('main') ? resolve(request.response) : reject());
      request.onerror = request.ontimeout = () => reject();
      request.send();
    });
  }

  function apply(fresh) {
    document.getElementById('clock').replaceChildren(...fresh.getElementById('clock').childNodes);
    const main = document.getElementById('main');
    const next = fresh.getElementById('main');
    for (const details of main.querySelectorAll('details[open]')) {
      const same = details.id && next.querySelector('#' + CSS.escape(details.id));
      if (same) same.open = true;
    }
    const [before, after] = [[...main.children], [...next.children]];
    const isSameShape = before.length === after.length && before.every((part, index) => part.id === after[index].id && part.tagName === after[index].tagName);
    const focused = placeOf(document.activeElement, main);
    if (!isSameShape) main.replaceChildren(...after);
    else before.forEach((part, index) => { if (!part.isEqualNode(after[index])) replace(part, after[index]); });
    focused?.()?.focus({ preventScroll: true });
  }

  function replace(part, next) {
    const offsets = [...part.querySelectorAll('.scroll')].map((box) => box.scrollLeft);
    part.replaceWith(next);
    [...next.querySelectorAll('.scroll')].forEach((box, index) => { box.scrollLeft = offsets[index] ?? 0; });
  }

  /** Finds the element again after the update: by its place among those of its kind with the same address or label. */
  function placeOf(element, main) {
    if (!element || element === main || !main.contains(element)) return undefined;
    const part = element.closest('section, form')?.id;
    const isSame = (other) => other.tagName === element.tagName && other.id === element.id && other.getAttribute('href') === element.getAttribute('href') && other.getAttribute('aria-label') === element.getAttribute('aria-label') && other.closest('details')?.id === element.closest('details')?.id && other.closest('section, form')?.id === part;
    return () => (element.isConnected ? undefined : [...main.querySelectorAll(element.tagName)].find(isSame));
  }

  function isSelecting() {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && document.getElementById('main').contains(selection.anchorNode);
  }

  function say(text) {
    if (status.textContent !== text) status.textContent = text;
  }
})();
`;
