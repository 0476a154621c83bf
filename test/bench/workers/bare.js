// Only a fetch, without options and without headers of its own.

export default {
  fetch() {
    return fetch("https://acme-media.s3.eu-west-1.amazonaws.com/photos/dandelion.jpg");
  },
};
