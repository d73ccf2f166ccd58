import { imageLimits } from '../../../contract/request.ts';
import { ApiError } from '../api/call.ts';
import { byId } from '../look/element.ts';

type Taken = { take: (picture: File) => void; fail: (error: ApiError) => void };

/** Gives each picture that is chosen, dropped anywhere on the page, or pasted; one too large to send fails here. */
export function listenForPictures({ take, fail }: Taken): void {
  const offer = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file === undefined) return;
    if (file.size > imageLimits.fileBytesMax) fail(new ApiError('body_too_large', 'This picture is over 20 MiB.'));
    else take(file);
  };
  const input = byId('file', HTMLInputElement);
  input.addEventListener('change', () => {
    offer(input.files);
    input.value = ''; // so that the same file chosen again is a change
  });
  document.addEventListener('paste', (event) => offer(event.clipboardData?.files));

  const place = byId('drop', HTMLDivElement);
  const mark = (over: boolean) => place.classList.toggle('over', over);
  document.addEventListener('dragover', (event) => {
    event.preventDefault(); // or the browser would open the picture in the place of the page
    mark(true);
  });
  document.addEventListener('dragleave', (event) => mark(event.relatedTarget !== null));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    offer(event.dataTransfer?.files);
  });
}
