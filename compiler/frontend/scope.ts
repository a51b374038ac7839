/** The names that are visible at a place of a model file, while it is evaluated. */
import type { Static } from "./values.ts";

/** A variable. It has no value before its declaration was evaluated. */
export interface Binding {
  value: Static;
  ready: boolean;
}

export class Scope {
  private readonly bindings = new Map<string, Binding>();

  constructor(private readonly parent?: Scope) {}

  /** A name without a value yet. */
  reserve(name: string): Binding {
    const binding: Binding = { value: undefined, ready: false };
    this.bindings.set(name, binding);
    return binding;
  }

  /** Gives a name of this very scope its first value. */
  declare(name: string, value: Static): void {
    const binding = this.bindings.get(name) ?? this.reserve(name);
    binding.value = value;
    binding.ready = true;
  }

  /** A name for a variable of another file. */
  link(name: string, binding: Binding): void {
    this.bindings.set(name, binding);
  }

  own(name: string): Binding | undefined {
    return this.bindings.get(name);
  }

  find(name: string): Binding | undefined {
    return this.bindings.get(name) ?? this.parent?.find(name);
  }
}
