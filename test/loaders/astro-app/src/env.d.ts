declare namespace Astro {
  interface CustomImageProps {
    preset?: import("../../vitrine.ts").ImagesPreset;
  }
}
