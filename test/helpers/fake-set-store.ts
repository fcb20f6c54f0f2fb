import type { SetStore, StoredSet, WriteResult } from '../../sets/store.ts';

/** An image set in memory that has versions, and can be made to fail before a write. */
export class FakeSetStore implements SetStore {
  readonly description = 'image set test';
  text: string | undefined;
  memory: Uint8Array | undefined;
  updatedAt: Date | undefined;
  /** The writes, in their order. */
  readonly writes: ('text' | 'memory')[] = [];
  /** Called before each write. What it throws is a crash of the producer. */
  beforeWrite: (part: 'text' | 'memory') => void = () => {};
  #versions = { text: 0, memory: 0 };
  #read = { text: 0, memory: 0 };

  async read(): Promise<StoredSet> {
    this.#read = { ...this.#versions };
    return { text: this.text, memory: this.memory, memoryAdvice: 'empty the memory' };
  }

  async writeText(text: string, updatedAt: Date): Promise<WriteResult> {
    if (this.#conflicts('text')) return 'Conflict';
    this.#set('text', () => Object.assign(this, { text, updatedAt }));
    return 'Written';
  }

  async writeMemory(memory: Uint8Array): Promise<WriteResult> {
    if (this.#conflicts('memory')) return 'Conflict';
    this.#set('memory', () => Object.assign(this, { memory }));
    return 'Written';
  }

  /** Writes the text as another producer would. */
  writeAsOther(text: string): void {
    this.#versions.text += 1;
    this.text = text;
  }

  #conflicts(part: 'text' | 'memory'): boolean {
    this.beforeWrite(part);
    return this.#read[part] !== this.#versions[part];
  }

  #set(part: 'text' | 'memory', change: () => void): void {
    this.#versions[part] += 1;
    this.#read[part] = this.#versions[part];
    this.writes.push(part);
    change();
  }
}
