package dev.mandate.threads;

import dev.mandate.files.FileId;

/**
 * A file that a message carries.
 *
 * @param size of its content, in bytes
 * @param sha256 of its content, 64 hexadecimal digits
 */
public record Attachment(FileId file, String name, String contentType, long size, String sha256) {
  /** As it goes over the wire, here and in a thread's events. */
  public dev.mandate.api.files.v1.Attachment wire() {
    return dev.mandate.api.files.v1.Attachment.newBuilder()
        .setFileId(file.toString())
        .setName(name)
        .setContentType(contentType)
        .setSize(size)
        .build();
  }
}
