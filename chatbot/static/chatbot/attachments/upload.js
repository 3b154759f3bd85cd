// Uploads one file, and tells the progress.

/** The server will not take this file; the message is for the person. */
export class FileRefused extends Error {
  constructor(text, status) {
    super(text);
    this.status = status;
  }
}

/** Resolves with the server's description: {id, name, type, bytes, url}. Rejects with FileRefused, or
 * with another Error where no answer came. onProgress(share): from 0 to 1. */
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
  else if (status >= 500) reject(new Error(document.detail || `Server error ${status}. Please try again later.`));
  else reject(new FileRefused(document.detail || "This file was not accepted. Try another one.", status));
}

/** A proxy in between may answer with an HTML page. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** Rounded up, as the server does: a file just over the limit must not read as if it were within. */
export function size(bytes) {
  const [unit, name] = bytes >= 1024 ** 2 ? [1024 ** 2, "MB"] : [1024, "KB"];
  return `${Math.ceil((bytes / unit) * 10) / 10} ${name}`;
}
