import { fieldNames, fieldOf, type Field, type FieldName } from '../contract/fields.ts';

type FieldOption = { field: FieldName; form: Field['form'] } & NonNullable<Field['option']>;

/** The options that set a field of the request. */
const fieldOptions: readonly FieldOption[] = fieldNames.flatMap((field) => {
  const { form, option } = fieldOf(field);
  return option === undefined ? [] : [{ field, form, ...option }];
});

/** The options as `parseArgs` wants them. */
export const parsedOptions: Readonly<Record<string, { type: 'string' | 'boolean' }>> = Object.fromEntries(
  fieldOptions.map(({ name, takes }) => [name, { type: takes === null ? 'boolean' : 'string' }]),
);

/** A line for each option, for the usage. */
export const optionLines: readonly string[] = fieldOptions.map(({ name, takes, help }) => {
  const written = takes === null ? `--no-${name}` : `--${name} ${takes}`;
  return `      ${written.padEnd(22)}  ${help}`;
});

/** The fields of a request from the values of the options; what cannot be read stays text, for the schema to refuse. */
export function fieldsOf(values: Readonly<Record<string, unknown>>): Partial<Record<FieldName, unknown>> {
  return Object.fromEntries(
    fieldOptions.flatMap(({ field, name, form }) => {
      const value = values[name];
      return value === undefined ? [] : [[field, typeof value === 'string' ? read(value, form) : value]];
    }),
  );
}

/** What the command line calls a field of the request. */
export function optionOf(field: string): string {
  const option = fieldOptions.find((candidate) => candidate.field === field);
  return option === undefined ? field : `--${option.name}`;
}

function read(text: string, form: Field['form']): unknown {
  if (form === 'number') return Number(text);
  return form === 'boolean' && (text === 'true' || text === 'false') ? text === 'true' : text;
}
