import type { ModelViewerElement } from '@google/model-viewer';

/** What is shown of a mesh: a GLB's URL, and its description for those who do not see it. */
export type Shown = { url: string; description: string };

/**
 * Shows a GLB, turning, in a place of the page; resolves when it is drawn. The 3D viewer, 300 kB, comes with the first.
 * Throws an Error when the browser cannot show it.
 */
export async function showMesh(place: HTMLElement, { url, description }: Shown): Promise<void> {
  const viewer = await viewerIn(place);
  viewer.alt = description;
  const drawn = new Promise<void>((resolve, reject) => {
    const settled = new AbortController();
    const { signal } = settled;
    viewer.addEventListener('load', () => (settled.abort(), resolve()), { signal });
    viewer.addEventListener('error', () => (settled.abort(), reject(new Error('The mesh cannot be shown.'))), {
      signal,
    });
  });
  if (viewer.src === url && viewer.loaded) return;
  viewer.src = url;
  await drawn;
}

async function viewerIn(place: HTMLElement): Promise<ModelViewerElement> {
  const known = place.querySelector<ModelViewerElement>('model-viewer');
  if (known !== null) return known;
  // Read by the viewer when it starts; its own defaults are other hosts.
  const locations = {
    dracoDecoderLocation: import.meta.env.DECODERS,
    meshoptDecoderLocation: `${import.meta.env.DECODERS}meshopt_decoder.js`,
  };
  Object.assign(window, { ModelViewerElement: locations });
  const { ModelViewerElement } = await import('@google/model-viewer');
  const viewer = new ModelViewerElement();
  viewer.loading = 'eager'; // also where the place has yet to be scrolled to
  viewer.cameraControls = true;
  viewer.autoRotate = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  viewer.autoRotateDelay = 0;
  viewer.interactionPrompt = 'none';
  viewer.shadowIntensity = 0.8;
  viewer.shadowSoftness = 0.9;
  viewer.touchAction = 'pan-y'; // so that a finger can still scroll the page
  viewer.setAttribute('camera-orbit', '-25deg 78deg 135%');
  place.replaceChildren(viewer);
  return viewer;
}
