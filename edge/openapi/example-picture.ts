/** A teddy bear of 48×48 pixels (fluent-emoji, MIT), small enough to stand in an example. */
export const examplePicture =
  'data:image/webp;base64,' +
  'UklGRg4CAABXRUJQVlA4WAoAAAAQAAAALwAALwAAQUxQSMkAAAARL6AkAAI0xxmqRSoREeC1wm1s20p1sNxzvuWe682Rd/sv5vHOxQqI6P8EYG' +
  '9v/wRFgeu/MuRO5af6dCoRd1Uy4d5Muo6Wibmcibgrk3Adk3EDc+FG5sU5RrY1Mi9uYC5cxzRcy8QchtAFxjH0MnyVPFMfpWvipsYq0Ko5nsid' +
  'TSJv1BlfAFqdNQbe86RAN0+2xHWeBMjdHBIBuM1Rwc9tmJ4hmg1BZ5HQYGlCb0sSyr2H9/CiEAZVQX48RnCqF5C5kxiTrZOI2UUAVlA4IB4BAA' +
  'AQCACdASowADAAPzGAulOuqCYirjgOYdAmCWwAvRAfhyvSjhjxzCElaecKEFnpHh61sW+M+ZPvfr3a6Sw5b9r7vloqAD0Ey/HgAP77aaphnrTV' +
  'D7qyOx7ppn1umM//2gyOOvqnKt6BFLxUeczNujjmKg34O3iRoRrjKGhxwGdrP//R+jO5HzQ6a0qF0XmQ00QUn2W1qTNrex35i5c703ZTf0YTiK' +
  'iPSy41Om6kj70f7YDGllImLyM0LbnijstJDgZwjY/6CtPCMhDFccrtpHff/2n40//ndW61lDeFpIYqw96XnQSycoxcZynupJHT2cbcnL1E2nLx' +
  'epiaMyAtSoLKuFMCz4yDoXVpP0bFoZMS8L1+tpUiIODL/IS/AAAA';
