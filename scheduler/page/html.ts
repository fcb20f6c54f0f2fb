/** A piece of HTML. Only {@link html} makes one, so every other text in it is escaped. */
export class Html {
  readonly text: string;

  /** `text` is written by a developer, never by a cluster. Use {@link html} everywhere else. */
  private constructor(text: string) {
    this.text = text;
  }

  /** Joins the parts of a template, and escapes each value between them. */
  static join(parts: readonly string[], values: readonly Content[]): Html {
    return new Html(parts.map((part, index) => `${part}${textOf(values[index])}`).join(''));
  }
}

/** A value of a template. A text is escaped; undefined and false are left out, and the parts of a list are joined. */
export type Content = Html | string | number | undefined | false | readonly Content[];

/**
 * A template of HTML. Values are escaped for elements and for attributes in double quotes; a test refuses templates with
 * attributes in other forms.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return Html.join(parts, values);
}

function textOf(value: Content): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  return typeof value === 'object' ? value.map(textOf).join('') : escapeText(String(value));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters, and those that change the direction of the text around them, which could disguise a name. */
const invisible = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The user and the password of an address. */
const credentials = /(:\/\/)[^\s/@"']+@/g;
/** The query of an address: it has the signature if a registry stores its layers elsewhere. */
const query = /(:\/\/[^\s"'?]+)\?[^\s"']+/g;

/** A text as the page shows it: without what could be a secret, and without characters that are not seen. */
export function visible(text: string): string {
  return text.replace(credentials, '$1…@').replace(query, '$1?…').replace(invisible, '\ufffd');
}

function escapeText(text: string): string {
  return visible(text).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
