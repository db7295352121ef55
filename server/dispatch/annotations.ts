import type { Ajv2020 } from 'ajv/dist/2020.js';

const text = { type: 'string' };
const path = { type: 'string', minLength: 1 };

/** Shapes of the annotations (shared/recipes.ts): a recipe with an invalid one is refused, so that later code can trust them. */
const shapes: Record<string, object> = {
  'x-unit': text,
  'x-group': text,
  'x-usual': { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
  'x-source': text,
  'x-advanced': { type: 'boolean' },
  'x-null': text,
  'x-titles': { type: 'object', additionalProperties: text },
  'x-onlyWhen': { type: 'object', required: ['field', 'is'], properties: { field: path, is: { type: 'array' } } },
  'x-divisibleBy': path,
  'x-atMost': path,
  'x-disabled': {
    type: 'array',
    items: { type: 'object', required: ['value', 'reason', 'help'], properties: { reason: text, help: text } },
  },
  'x-flag': text,
  'x-format': text,
  'x-pictures': { type: 'boolean' },
  'x-memory': {
    type: 'array',
    items: {
      type: 'object',
      required: ['bytes', 'times', 'per'],
      properties: {
        bytes: { type: 'number', minimum: 0 },
        times: { type: 'array', items: path },
        per: { type: 'array', items: path },
      },
    },
  },
};

/** Makes compilation refuse schemas whose annotations do not have these shapes; annotations have no effect on configs. */
export function addAnnotations(ajv: Ajv2020): void {
  for (const [keyword, metaSchema] of Object.entries(shapes)) ajv.addKeyword({ keyword, metaSchema });
}
