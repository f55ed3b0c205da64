// The pages work without this. It shows an image before it is sent.
for (const input of document.querySelectorAll("input[data-preview]")) {
  const preview = document.getElementById(input.dataset.preview);
  input.addEventListener("change", () => {
    if (preview.src) URL.revokeObjectURL(preview.src);
    preview.hidden = !input.files.length;
    if (input.files.length) preview.src = URL.createObjectURL(input.files[0]);
  });
  preview.addEventListener("error", () => { preview.hidden = true; });
}
