import rocket from '@lobehub/fluent-emoji-3d/assets/1f680.webp';
import avocado from '@lobehub/fluent-emoji-3d/assets/1f951.webp';
import bear from '@lobehub/fluent-emoji-3d/assets/1f9f8.webp';
import burger from '@lobehub/fluent-emoji-3d/assets/1f354.webp';
import shoe from '@lobehub/fluent-emoji-3d/assets/1f45f.webp';
import whale from '@lobehub/fluent-emoji-3d/assets/1f433.webp';
import { ApiError } from '../api/call.ts';
import { make } from '../look/element.ts';

const samples = [
  { name: 'teddy bear', url: bear },
  { name: 'avocado', url: avocado },
  { name: 'rocket', url: rocket },
  { name: 'shoe', url: shoe },
  { name: 'whale', url: whale },
  { name: 'burger', url: burger },
];

/** Fills a list with pictures to try; a click on one gives it as a file. */
export function showSamples(list: HTMLElement, take: (picture: File) => void, fail: (error: unknown) => void): void {
  for (const { name, url } of samples) {
    const image = make('img', null);
    Object.assign(image, { src: url, alt: '', width: 56, height: 56 });
    const button = make('button', null, image, make('span', 'visually-hidden', `Try the ${name}`));
    button.type = 'button';
    button.addEventListener('click', () => void fetchSample(name, url).then(take, fail));
    list.appendChild(make('li', null, button));
  }
}

async function fetchSample(name: string, url: string): Promise<File> {
  const answer = await fetch(url).catch(() => null);
  if (answer === null || !answer.ok) throw new ApiError('unreachable', 'The edge does not answer.');
  return new File([await answer.blob()], `${name.replace(' ', '-')}.webp`, { type: 'image/webp' });
}
