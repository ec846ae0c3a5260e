// A picture from this computer, made small here: the server takes little, and what leaves is a fresh PNG.
const SIDE = 96;

function chosen() {
  return new Promise((resolve) => {
    const field = document.createElement("input");
    field.type = "file";
    field.accept = "image/png,image/jpeg,image/webp";
    field.dataset.iconInput = "";
    field.hidden = true;
    document.body.append(field);
    const end = (file) => {
      field.remove();
      resolve(file);
    };
    field.onchange = () => end(field.files[0]);
    field.oncancel = () => end();
    field.click();
  });
}

/** A data: address; empty if nothing was chosen, "unreadable" for what is no picture. */
export async function choose() {
  const file = await chosen();
  if (!file) return "";
  try {
    const picture = await createImageBitmap(file);
    const scale = SIDE / Math.max(picture.width, picture.height);
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const brush = canvas.getContext("2d");
    brush.imageSmoothingQuality = "high";
    brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/png");
  } catch {
    return "unreadable";
  }
}
