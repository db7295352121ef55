// @vitest-environment jsdom
import { render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it } from 'vitest';
import { TextField } from '~/app/_components/Field';

function Name() {
  const [name, setName] = useState('');
  return <TextField label="Name" longest={80} value={name} onChange={setName} />;
}

it('nothing is cut off a pasted text: the field says how long it is, and what fits', async () => {
  render(<Name />);
  const field = screen.getByLabelText<HTMLInputElement>('Name');
  await userEvent.click(field);
  await userEvent.paste(`${'x'.repeat(81)}  `);
  expect([field.value.length, field.getAttribute('aria-invalid')]).toEqual([83, 'true']);
  screen.getByText('81 characters; at most 80 fit');
  await userEvent.keyboard('{Backspace}{Backspace}{Backspace}');
  expect(field.getAttribute('aria-invalid')).toBeNull();
});
