import { Problem } from '../../contract/problem.ts';

/** What a graph gave cannot be used: the model's fault, whatever the picture. */
export class ModelFault extends Problem {
  /** `name@version`. */
  readonly model: string;

  constructor(model: string, what: string) {
    super('model_failed', `The model ${model} gave no usable answer: ${what}.`);
    this.model = model;
  }
}
