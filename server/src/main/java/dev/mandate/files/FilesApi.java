package dev.mandate.files;

import dev.mandate.api.files.v1.CompleteFileRequest;
import dev.mandate.api.files.v1.CreateFileRequest;
import dev.mandate.api.files.v1.CreateFileResponse;
import dev.mandate.api.files.v1.DeleteFileRequest;
import dev.mandate.api.files.v1.DeleteFileResponse;
import dev.mandate.api.files.v1.File;
import dev.mandate.api.files.v1.FileState;
import dev.mandate.api.files.v1.FilesProto;
import dev.mandate.api.files.v1.GetFileRequest;
import dev.mandate.api.files.v1.GetFileResponse;
import dev.mandate.api.files.v1.ListFilesRequest;
import dev.mandate.api.files.v1.ListFilesResponse;
import dev.mandate.kernel.Mandate;
import dev.mandate.kernel.Page;
import dev.mandate.kernel.rpc.Binder;
import dev.mandate.kernel.rpc.Timestamps;

/** {@code mandate.files.v1.FileService}. */
public final class FilesApi {
  private final Files files;

  public FilesApi(Files files) {
    this.files = files;
  }

  public void bind(Binder binder) {
    binder
        .service(FilesProto.getDescriptor().findServiceByName("FileService"))
        .unary("ListFiles", ListFilesRequest.getDefaultInstance(), this::list)
        .unary("CreateFile", CreateFileRequest.getDefaultInstance(), this::create)
        .unary("GetFile", GetFileRequest.getDefaultInstance(), this::get)
        .unary("CompleteFile", CompleteFileRequest.getDefaultInstance(), this::complete)
        .unary("DeleteFile", DeleteFileRequest.getDefaultInstance(), this::delete);
  }

  private ListFilesResponse list(Mandate mandate, ListFilesRequest request) {
    Page<StoredFile> page =
        files.list(mandate, Page.Request.of(request.getPageSize(), request.getPageToken()));
    return ListFilesResponse.newBuilder()
        .addAllFiles(page.map(FilesApi::wire).items())
        .setNextPageToken(page.nextToken())
        .build();
  }

  private CreateFileResponse create(Mandate mandate, CreateFileRequest request) {
    Files.Linked made =
        files.create(
            mandate,
            new Files.Draft(
                request.getName(),
                request.getContentType(),
                request.getSize(),
                request.getSha256()));
    return CreateFileResponse.newBuilder()
        .setFile(wire(made.file()))
        .setUpload(wire(made.link()))
        .build();
  }

  private GetFileResponse get(Mandate mandate, GetFileRequest request) {
    Files.Linked found = files.get(mandate, FileId.parse("id", request.getId()));
    GetFileResponse.Builder wire = GetFileResponse.newBuilder().setFile(wire(found.file()));
    if (found.file().complete()) {
      wire.setDownload(wire(found.link()));
    } else {
      wire.setUpload(wire(found.link()));
    }
    return wire.build();
  }

  private File complete(Mandate mandate, CompleteFileRequest request) {
    return wire(files.complete(mandate, FileId.parse("id", request.getId())));
  }

  private DeleteFileResponse delete(Mandate mandate, DeleteFileRequest request) {
    files.delete(mandate, FileId.parse("id", request.getId()));
    return DeleteFileResponse.getDefaultInstance();
  }

  private static File wire(StoredFile file) {
    File.Builder wire =
        File.newBuilder()
            .setId(file.id().toString())
            .setName(file.name())
            .setContentType(file.contentType())
            .setSize(file.size())
            .setSha256(file.sha256())
            .setState(file.complete() ? FileState.COMPLETE : FileState.PENDING)
            .setOwner(file.owner().toString())
            .setCreatedAt(Timestamps.of(file.createdAt()));
    if (file.completedAt() != null) {
      wire.setCompletedAt(Timestamps.of(file.completedAt()));
    } else {
      wire.setExpiresAt(Timestamps.of(file.expiresAt()));
    }
    return wire.build();
  }

  private static dev.mandate.api.files.v1.FileLink wire(FileLink link) {
    return dev.mandate.api.files.v1.FileLink.newBuilder()
        .setUrl(link.url())
        .setMethod(link.method())
        .putAllHeaders(link.headers())
        .setExpiresAt(Timestamps.of(link.expiresAt()))
        .build();
  }
}
