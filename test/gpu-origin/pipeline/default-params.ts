import { meshParams } from '../../../contract/key.ts';
import { MeshRequest } from '../../../contract/request.ts';
import { bisque } from '../../origin-report.ts';

/** What a request that says nothing asks of the default model. */
export const defaultParams = meshParams(MeshRequest.parse({}), bisque);
