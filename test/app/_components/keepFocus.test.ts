// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keepFocus } from '~/app/_components/keepFocus';

let stop: () => void;
beforeEach(() => {
  stop = keepFocus(document);
});
afterEach(() => {
  stop();
  document.body.replaceChildren();
});

const named = (id: string) => document.getElementById(id)!;
const draw = (html: string) => {
  document.body.innerHTML = html;
};
/** Puts the focus there as the Tab key does. */
function tabTo(id: string): void {
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Tab', bubbles: true }));
  named(id).focus();
}
const frame = () => new Promise(requestAnimationFrame);
/** Where the focus is once everybody has had the time to move it. */
async function focused(): Promise<string> {
  for (let i = 0; i < 4; i++) await frame();
  return document.activeElement!.id || document.activeElement!.tagName;
}

it('a button that another one takes the place of hands its focus to that one', async () => {
  draw('<main><button id="why"></button><span id="row"><button id="take"></button></span><button id="stop"></button></main>');
  tabTo('take');
  named('take').replaceWith(Object.assign(document.createElement('button'), { id: 'release' }));
  expect(await focused()).toBe('release');
});

it('without a successor in its own part of the page, the focus goes back to what stands before it there', async () => {
  draw(
    '<form><button id="about"></button><input id="rate"><p id="note"><button id="apply"></button></p></form><button id="b"></button>',
  );
  tabTo('apply');
  named('apply').remove();
  expect(await focused()).toBe('rate');
});

it('a removed part of the page hands the focus to what follows it', async () => {
  draw('<div><section id="tour"><button id="done"></button></section><aside><button id="tab"></button></aside></div>');
  tabTo('done');
  named('tour').remove();
  expect(await focused()).toBe('tab');
});

it('a part that is hidden counts as gone; what is hidden, disabled or left out of the tab order gets no focus', async () => {
  draw(
    '<main><div id="panel"><button id="in"></button></div><div hidden><button></button></div><button disabled></button><button tabindex="-1"></button><button id="next"></button></main>',
  );
  tabTo('in');
  named('panel').hidden = true;
  named('in').blur();
  expect(await focused()).toBe('next');
});

it('a field that is disabled for a while has the focus again afterwards', async () => {
  draw('<form><input id="rate"><button id="b"></button></form>');
  tabTo('rate');
  const field = named('rate') as HTMLInputElement;
  // A browser does both.
  field.blur();
  field.disabled = true;
  expect(await focused()).toBe('BODY');
  field.disabled = false;
  expect(await focused()).toBe('rate');
});

it('when a dialog goes with all that is in it, the focus goes to where it was before', async () => {
  draw('<main><button id="first"></button><button id="open"></button></main>');
  tabTo('first');
  tabTo('open');
  const dialog = document.createElement('div');
  dialog.innerHTML = '<button id="yes"></button>';
  document.body.append(dialog);
  tabTo('yes');
  dialog.remove();
  expect(await focused()).toBe('open');
});

it('on another page the focus is at its beginning, and no part of it keeps a tab stop that it had not', async () => {
  draw('<div id="list"><a id="run" href="/runs/a"></a></div>');
  tabTo('run');
  draw('<div><a id="skip" href="#main"></a></div>');
  expect(await focused()).toBe('BODY');
  expect(document.body.hasAttribute('tabindex')).toBe(false);
});

it('leaves a focus alone that somebody else has moved, or a person who points', async () => {
  draw('<main><button id="a"></button><button id="b"></button><button id="c"></button></main>');
  tabTo('a');
  named('a').remove();
  named('c').focus();
  expect(await focused()).toBe('c');
  document.body.dispatchEvent(new Event('pointerdown', { bubbles: true }));
  named('c').remove();
  expect(await focused()).toBe('BODY');
});
