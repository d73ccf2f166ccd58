import type { MeshObject } from '../../contract/mesh.ts';

/** What the page of a mesh shows: the mesh, or that there is none at this address that everyone may see. */
export type Shared = { mesh: MeshObject | null };

/**
 * Puts a mesh into the built share page: as data for its script, and as the title, text and picture that other sites
 * show of a link (the Open Graph protocol).
 */
export function fillSharePage(page: Response, { mesh }: Shared, pageUrl: string): Response {
  const description = mesh?.asset
    ? `A 3D mesh of one picture: ${mesh.asset.faces.toLocaleString('en')} triangles, made by ${mesh.model}.`
    : 'There is no mesh at this address.';
  const about: Record<string, string> = {
    'og:type': 'website',
    'og:site_name': 'Meshkiln',
    'og:title': 'A mesh from the kiln',
    'og:description': description,
    'og:url': pageUrl,
    ...(mesh?.thumbnail_url && { 'og:image': mesh.thumbnail_url, 'og:image:alt': 'The mesh, rendered' }),
  };
  const rewriter = new HTMLRewriter()
    .on('head', {
      element(head) {
        const tags = Object.entries(about).map(
          ([name, text]) => `<meta property="${name}" content="${escaped(text)}" />`,
        );
        tags.push('<meta name="twitter:card" content="summary" />', '<meta name="robots" content="noindex" />');
        head.append(tags.join('\n'), { html: true });
      },
    })
    .on('#mesh-data', {
      element(data) {
        // No "<" in it, so that nothing in the mesh can end the script element, which is never run (HTML §4.12.1.1).
        data.setInnerContent(JSON.stringify(mesh).replaceAll('<', String.raw`\u003c`), { html: true });
      },
    });
  return rewriter.transform(page);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
