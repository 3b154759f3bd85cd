// One file to the server, with its progress.

/** The server answered and said no; the message is for the person. */
export class Refused extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

/** What the server knows of it: {id, name, type, bytes, url}. Rejects with Refused, or with another
 * Error where nobody answered. onProgress: of 0 to 1. */
export function upload(url, headers, file, { onProgress, signal }) {
  const form = new FormData();
  form.append("file", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", url);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
  signal.addEventListener("abort", () => request.abort());
  return new Promise((resolve, reject) => {
    request.onload = () => answered(request, resolve, reject);
    request.onerror = request.onabort = () => reject(new Error("There is no connection."));
    request.send(form);
  });
}

function answered({ status, responseText }, resolve, reject) {
  const document = parsed(responseText);
  if (status === 201) resolve(document);
  else if (status >= 500) reject(new Error(`The server answered ${status}.`));
  else reject(new Refused(document.detail || "This file was not taken.", status));
}

/** What stands between may answer with a page. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** As the server words it: rounded up, so that what is too large does not read as if it were not. */
export function size(bytes) {
  const [unit, name] = bytes >= 1024 ** 2 ? [1024 ** 2, "MB"] : [1024, "KB"];
  return `${Math.ceil((bytes / unit) * 10) / 10} ${name}`;
}
